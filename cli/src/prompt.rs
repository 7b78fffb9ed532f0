//! Questions to the operator: only on a terminal, and only for what is missing.

use std::io;

use dialoguer::{Confirm, Input};

use crate::failure::Failure;

/// Somebody who can be asked.
pub(crate) trait Ask {
    /// Asks for a text until `check` takes it; `default` is what the Enter key alone means.
    fn text(
        &self,
        question: &str,
        default: &str,
        check: &dyn Fn(&str) -> Result<(), String>,
    ) -> Result<String, Failure>;

    /// Asks for a yes; the Enter key alone means no.
    fn confirm(&self, question: &str) -> Result<bool, Failure>;
}

/// The operator at the terminal. Questions go to standard error.
pub(crate) struct OnTerminal;

impl Ask for OnTerminal {
    fn text(
        &self,
        question: &str,
        default: &str,
        check: &dyn Fn(&str) -> Result<(), String>,
    ) -> Result<String, Failure> {
        Input::<String>::new()
            .with_prompt(question)
            .default(default.to_owned())
            .allow_empty(true)
            .show_default(!default.is_empty())
            .validate_with(|text: &String| check(text))
            .interact_text()
            .map_err(|e| unanswered(e.into()))
    }

    fn confirm(&self, question: &str) -> Result<bool, Failure> {
        Confirm::new().with_prompt(question).default(false).interact().map_err(|e| unanswered(e.into()))
    }
}

fn unanswered(source: io::Error) -> Failure {
    match source.kind() {
        io::ErrorKind::Interrupted | io::ErrorKind::UnexpectedEof => Failure::Declined,
        _ => Failure::Io { doing: "ask on the terminal", source },
    }
}

#[cfg(test)]
pub(crate) mod script {
    //! An operator whose answers are known beforehand.

    use std::cell::RefCell;
    use std::collections::VecDeque;
    use std::rc::Rc;

    use super::{Ask, Failure};

    /// Gives its answers in order, and keeps what it was asked. An empty answer takes the default.
    #[derive(Clone, Default)]
    pub(crate) struct Script {
        answers: Rc<RefCell<VecDeque<String>>>,
        asked: Rc<RefCell<Vec<String>>>,
    }

    impl Script {
        pub(crate) fn answering(answers: &[&str]) -> Self {
            let script = Self::default();
            script.answers.borrow_mut().extend(answers.iter().map(|&answer| answer.to_owned()));
            script
        }

        /// Every question with its default, in order.
        pub(crate) fn asked(&self) -> Vec<String> {
            self.asked.borrow().clone()
        }
    }

    impl Ask for Script {
        fn text(
            &self,
            question: &str,
            default: &str,
            check: &dyn Fn(&str) -> Result<(), String>,
        ) -> Result<String, Failure> {
            self.asked.borrow_mut().push(format!("{question} [{default}]"));
            loop {
                let answer = self.answers.borrow_mut().pop_front().unwrap_or_default();
                let answer = if answer.is_empty() { default.to_owned() } else { answer };
                match check(&answer) {
                    Ok(()) => return Ok(answer),
                    Err(why) => self.asked.borrow_mut().push(why),
                }
            }
        }

        fn confirm(&self, question: &str) -> Result<bool, Failure> {
            self.asked.borrow_mut().push(question.to_owned());
            Ok(self.answers.borrow_mut().pop_front().is_some_and(|answer| answer == "y"))
        }
    }
}
