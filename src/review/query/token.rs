//! From the text of a query to its words, numbers and signs.

use crate::{Error, Result};

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Word(String),
    /// In quotes: never a keyword.
    Quoted(String),
    Number(f64),
    Sign(&'static str),
}

/// Signs, longer ones first.
const SIGNS: [(&str, &str); 10] = [
    ("<=", "<="),
    (">=", ">="),
    ("!=", "!="),
    ("==", "="),
    ("<", "<"),
    (">", ">"),
    ("=", "="),
    ("(", "("),
    (")", ")"),
    ("%", "%"),
];

/// What is wrong at a place (from 0) of the text.
pub(super) fn wrong(place: usize, problem: impl std::fmt::Display) -> Error {
    Error::invalid("query", format!("at character {}: {problem}", place + 1))
}

/// A token as it stood in the text.
pub(super) fn show(token: &Token) -> String {
    match token {
        Token::Word(word) => format!("`{word}`"),
        Token::Quoted(text) => format!("\"{text}\""),
        Token::Number(number) => format!("`{number}`"),
        Token::Sign(sign) => format!("`{sign}`"),
    }
}

/// Every token with its place.
pub(super) fn tokens(text: &str) -> Result<Vec<(usize, Token)>> {
    let chars: Vec<char> = text.chars().collect();
    let mut out = Vec::new();
    let mut i = 0;
    while i < chars.len() {
        let (start, c) = (i, chars[i]);
        if c.is_whitespace() {
            i += 1;
        } else if c == '"' || c == '\'' {
            let close = (i + 1..chars.len()).find(|j| chars[*j] == c);
            let close = close.ok_or_else(|| wrong(start, "this quote is not closed"))?;
            out.push((start, Token::Quoted(chars[i + 1..close].iter().collect())));
            i = close + 1;
        } else if c.is_ascii_digit() || matches!(c, '.' | '-' | '+') {
            i += 1;
            let part = |i: usize| {
                let exponent = matches!(chars[i - 1], 'e' | 'E') && matches!(chars[i], '-' | '+');
                let begins = matches!(chars[i], 'e' | 'E')
                    && chars.get(i + 1).is_some_and(|c| c.is_ascii_digit() || matches!(c, '-' | '+'));
                chars[i].is_ascii_digit() || chars[i] == '.' || begins || exponent
            };
            while i < chars.len() && part(i) {
                i += 1;
            }
            let number: String = chars[start..i].iter().collect();
            let value = number.parse::<f64>().ok().filter(|v| v.is_finite());
            let value = value.ok_or_else(|| wrong(start, format!("`{number}` is not a number")))?;
            out.push((start, Token::Number(value)));
        } else if c.is_alphanumeric() || matches!(c, '_' | '°') {
            i += 1;
            while i < chars.len() && (chars[i].is_alphanumeric() || matches!(chars[i], '_' | '.' | '-' | '#'))
            {
                i += 1;
            }
            out.push((start, Token::Word(chars[start..i].iter().collect())));
        } else {
            let rest: String = chars[i..].iter().take(2).collect();
            let sign = SIGNS.iter().find(|(sign, _)| rest.starts_with(sign));
            let (sign, means) = sign.ok_or_else(|| wrong(start, format!("`{c}` has no meaning here")))?;
            out.push((start, Token::Sign(means)));
            i += sign.len();
        }
    }
    Ok(out)
}
