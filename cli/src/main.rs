//! vmdhcp: managed DHCP for virtual machines, from the command line.
//!
//! Everything that decides or runs for long is in the libraries; here are flags, prompts, tables and exit codes.

mod agents;
mod args;
mod commands;
mod context;
mod daemon;
mod demo;
mod duration;
mod exit;
mod failure;
mod leases;
mod manifest;
mod merge;
mod objects;
mod output;
mod page;
mod prompt;
mod snapshot;
mod table;
#[cfg(test)]
mod testing;
mod wait;

use std::process::ExitCode;

use output::Output;

fn main() -> ExitCode {
    // kube and axum both find this provider; without one chosen, rustls panics on its first connection. A second call
    // finds it installed, which is as good.
    drop(rustls::crypto::ring::default_provider().install_default());
    let args::Cli { connection, command } = match args::parse(std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) => {
            drop(error.print());
            return ExitCode::from(if error.use_stderr() { exit::USAGE } else { exit::OK });
        }
    };
    let mut output = Output::standard();
    let result = command.run(&connection, &mut output).and_then(|()| output.flush());
    if let Err(failure) = &result
        && !matches!(failure, failure::Failure::ReaderGone)
    {
        output.error(failure);
    }
    exit::code(&result)
}
