//! The packet thread: receives a batch, answers it, sends the answers, and so on until it shall stop.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::packet_socket::{PacketSocket, ReceiveBatch, SendBatch, SocketError};
use super::responder::Responder;
use super::state::State;

/// Serves `socket` until `stop`, or until the socket dies.
pub(crate) fn serve(socket: &PacketSocket, state: &State, stop: &AtomicBool) -> Result<(), SocketError> {
    let (mut received, mut answers) = (ReceiveBatch::new(), SendBatch::new());
    while !stop.load(Ordering::Relaxed) {
        socket.receive(&mut received)?;
        if received.is_empty() {
            continue;
        }
        let (begun, now) = (Instant::now(), state.now());
        let serving = state.serving();
        let Some(serving) = serving.as_deref() else { continue };
        let responder = Responder::new(state, socket.interface().mac());
        for frame in received.iter() {
            answers.add(|answer| responder.handle(serving, now, frame, answer));
        }
        let count = answers.len();
        let unsent = socket.send_batch(&mut answers);
        state.metrics.unsent.fetch_add(unsent.into(), Ordering::Relaxed);
        if count > 0 {
            state.metrics.answer_time.add(begun.elapsed(), count);
        }
    }
    Ok(())
}
