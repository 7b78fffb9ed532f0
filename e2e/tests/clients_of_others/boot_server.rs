//! A server of boot files by TFTP (RFC 1350, with the options of RFC 2348 and RFC 2349) and HTTP, which keeps in mind
//! what was fetched.
#![expect(clippy::unwrap_used, reason = "a stage for tests: it fails by panicking")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use vmdhcp_e2e::Machine;

type Files = BTreeMap<&'static str, Vec<u8>>;

const TFTP: u16 = 69;
const HTTP: u16 = 80;
/// How long a block may be on its way before it is sent again, and how often it is.
const AGAIN: Duration = Duration::from_secs(2);
const ATTEMPTS: usize = 10;

/// It ends with the test.
pub(crate) struct BootServer {
    fetched: Arc<Mutex<Vec<String>>>,
}

impl BootServer {
    /// Starts one on all addresses of a machine.
    pub(crate) fn on(machine: &Machine, files: Files) -> Self {
        let fetched = Arc::<Mutex<Vec<String>>>::default();
        let files = Arc::new(files);
        // A socket stays in the network that it was made in, whichever thread uses it.
        let (http, tftp) = machine.within(|| {
            let everywhere = |port| (Ipv4Addr::UNSPECIFIED, port);
            (TcpListener::bind(everywhere(HTTP)).unwrap(), UdpSocket::bind(everywhere(TFTP)).unwrap())
        });
        thread::spawn({
            let (files, fetched) = (Arc::clone(&files), Arc::clone(&fetched));
            move || http.incoming().flatten().for_each(|stream| drop(serve_http(&stream, &files, &fetched)))
        });
        let senders = machine.within(|| {
            // One a transfer, and more than any boot needs.
            (0..64).map(|_| UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap()).collect::<Vec<_>>()
        });
        thread::spawn({
            let (files, fetched) = (files, Arc::clone(&fetched));
            move || serve_tftp(&tftp, senders, &files, &fetched)
        });
        Self { fetched }
    }

    /// What was asked for, in order: `tftp NAME` or `http NAME`.
    pub(crate) fn fetched(&self) -> Vec<String> {
        self.fetched.lock().unwrap().clone()
    }
}

fn serve_http(mut stream: &TcpStream, files: &Files, fetched: &Mutex<Vec<String>>) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut lines = BufReader::new(stream).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
    let mut words = request.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let name = path.trim_start_matches('/');
    if method == "GET" {
        fetched.lock().unwrap().push(format!("http {name}"));
    }
    let found = files.get(name);
    let status = if found.is_some() { "200 OK" } else { "404 Not Found" };
    let content = found.map(Vec::as_slice).unwrap_or_default();
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", content.len())?;
    if method == "GET" { stream.write_all(content) } else { Ok(()) }
}

fn serve_tftp(
    socket: &UdpSocket,
    mut senders: Vec<UdpSocket>,
    files: &Arc<Files>,
    fetched: &Mutex<Vec<String>>,
) {
    let mut buffer = [0; 1500];
    while let Ok((length, client)) = socket.recv_from(&mut buffer) {
        let Some(([0, 1], rest)) = buffer[..length].split_first_chunk() else { continue };
        let words: Vec<_> =
            rest.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect();
        fetched.lock().unwrap().push(format!("tftp {}", words[0]));
        let Some(sender) = senders.pop() else { return };
        let files = Arc::clone(files);
        thread::spawn(move || drop(send_file(&sender, client, &files, &words)));
    }
}

/// Sends what was asked for: a name, a mode, and options in pairs.
fn send_file(socket: &UdpSocket, client: SocketAddr, files: &Files, words: &[String]) -> std::io::Result<()> {
    socket.connect(client)?;
    socket.set_read_timeout(Some(AGAIN))?;
    let Some(content) = files.get(words[0].trim_start_matches('/')) else {
        return socket.send(b"\0\x05\0\x01not here\0").map(drop);
    };
    let (mut block_size, mut agreed) = (512, vec![0, 6]);
    for option in words[2..].chunks_exact(2) {
        let answer = match option[0].to_ascii_lowercase().as_str() {
            "blksize" => {
                block_size = option[1].parse::<usize>().unwrap_or(512).clamp(8, 1428);
                block_size
            }
            "tsize" => content.len(),
            _ => continue,
        };
        agreed.extend_from_slice(format!("{}\0{answer}\0", option[0]).as_bytes());
    }
    if agreed.len() > 2 && !is_taken(socket, &agreed, 0)? {
        return Ok(());
    }
    // The last block is shorter than the others, if need be empty.
    for number in 0..=content.len() / block_size {
        let block = content.get(number * block_size..).unwrap_or_default();
        let number = (number + 1).to_be_bytes();
        let mut packet = vec![0, 3, number[6], number[7]];
        packet.extend_from_slice(&block[..block.len().min(block_size)]);
        if !is_taken(socket, &packet, u16::from_be_bytes([number[6], number[7]]))? {
            return Ok(());
        }
    }
    Ok(())
}

/// Sends a packet until the client acknowledges it by this number; false if it does not, or wants no more.
fn is_taken(socket: &UdpSocket, packet: &[u8], number: u16) -> std::io::Result<bool> {
    let acknowledgement = [[0, 4], number.to_be_bytes()].concat();
    for _ in 0..ATTEMPTS {
        socket.send(packet)?;
        let mut buffer = [0; 512];
        while let Ok(length) = socket.recv(&mut buffer) {
            match &buffer[..length] {
                answer if *answer == acknowledgement => return Ok(true),
                [0, 5, ..] => return Ok(false),
                _ => {}
            }
        }
    }
    Ok(false)
}
