//! From the words of a query to its conditions.

use super::super::table::{Table, Variable};
use super::token::{Token, show, tokens, wrong};
use super::{Condition, Is, Length, NUMBERS, TEXTS, TextName, dimension};
use crate::Result;

/// Conditions within conditions; a person does not come near.
const DEEPEST: usize = 64;

pub(super) fn parse(text: &str, table: &Table) -> Result<Condition> {
    let tokens = tokens(text)?;
    if tokens.is_empty() {
        return Err(wrong(0, "it is empty; write for example `p < 0.7 and area > 400 nm2`"));
    }
    let end = text.chars().count();
    let mut parser = Parser { tokens, at: 0, end, table, depth: 0 };
    let condition = parser.any()?;
    match parser.tokens.get(parser.at) {
        None => Ok(condition),
        Some((place, token)) => Err(wrong(
            *place,
            format!("{} is not expected here; join conditions with `and` or `or`", show(token)),
        )),
    }
}

struct Parser<'a> {
    tokens: Vec<(usize, Token)>,
    at: usize,
    /// Where the text ends, for errors.
    end: usize,
    table: &'a Table,
    depth: usize,
}

impl Parser<'_> {
    fn place(&self) -> usize {
        self.tokens.get(self.at).map_or(self.end, |(place, _)| *place)
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).map(|(_, token)| token.clone());
        self.at += 1;
        token
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let there =
            matches!(self.tokens.get(self.at), Some((_, Token::Word(w))) if w.eq_ignore_ascii_case(word));
        self.at += usize::from(there);
        there
    }

    fn takes_sign(&mut self, sign: &str) -> bool {
        let there = matches!(self.tokens.get(self.at), Some((_, Token::Sign(s))) if *s == sign);
        self.at += usize::from(there);
        there
    }

    fn any(&mut self) -> Result<Condition> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(wrong(self.place(), "there are too many brackets within brackets"));
        }
        let mut parts = vec![self.all()?];
        while self.takes_word("or") {
            parts.push(self.all()?);
        }
        self.depth -= 1;
        Ok(if parts.len() == 1 { parts.remove(0) } else { Condition::Any(parts) })
    }

    fn all(&mut self) -> Result<Condition> {
        let mut parts = vec![self.one()?];
        while self.takes_word("and") {
            parts.push(self.one()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Condition::All(parts) })
    }

    fn one(&mut self) -> Result<Condition> {
        let mut turned = false;
        while self.takes_word("not") {
            turned = !turned;
        }
        let condition = if self.takes_sign("(") {
            let opened = self.place().saturating_sub(1);
            let condition = self.any()?;
            if !self.takes_sign(")") {
                return Err(wrong(opened, "this bracket is not closed"));
            }
            condition
        } else {
            self.comparison()?
        };
        Ok(if turned { Condition::Not(Box::new(condition)) } else { condition })
    }

    fn comparison(&mut self) -> Result<Condition> {
        let place = self.place();
        let name = match self.next() {
            Some(Token::Word(word)) => word,
            Some(other) => {
                return Err(wrong(
                    place,
                    format!("{} stands where a name should, such as `p` or `area`", show(&other)),
                ));
            }
            None => return Err(wrong(place, "a condition is missing here")),
        };
        let lower = name.to_lowercase();
        match lower.as_str() {
            "labelled" | "labeled" => return Ok(Condition::Labelled),
            "held_out" => return Ok(Condition::HeldOut),
            _ => {}
        }
        if let Some((_, text)) = TEXTS.iter().find(|(known, _)| *known == lower) {
            return self.text(*text);
        }
        let variable = self.variable(&lower, &name, place)?;
        let is = self.sign(&name)?;
        let place = self.place();
        let limit = match self.next() {
            Some(Token::Number(number)) => number,
            Some(other) => {
                return Err(wrong(
                    place,
                    format!("`{name}` is compared with a number, not {}", show(&other)),
                ));
            }
            None => return Err(wrong(place, format!("a number is missing; `{name}` is compared with one"))),
        };
        self.unit(variable, is, limit, &name)
    }

    fn variable(&mut self, lower: &str, name: &str, place: usize) -> Result<Variable> {
        if lower == "p" && self.takes_sign("(") {
            let place = self.place();
            let (Some(Token::Word(class) | Token::Quoted(class)), true) = (self.next(), self.takes_sign(")"))
            else {
                return Err(wrong(place, "write a class between the brackets, as in `p(rod) > 0.5`"));
            };
            let found = self.table.classes.iter().position(|known| *known == class);
            let found = found.ok_or_else(|| wrong(place, self.no_class(&class)))?;
            return Ok(Variable::ProbabilityOf(found));
        }
        if let Some(number) = lower.strip_prefix('z').and_then(|n| n.parse::<usize>().ok()) {
            let has = self.table.latents;
            if (1..=has).contains(&number) {
                return Ok(Variable::Latent(number - 1));
            }
            return Err(wrong(place, format!("there is no latent {number}; the model has {has}")));
        }
        let known = NUMBERS.iter().find(|(known, _)| *known == lower);
        known.map(|(_, variable)| variable.clone()).ok_or_else(|| {
            let names: Vec<&str> =
                NUMBERS.iter().map(|(n, _)| *n).chain(TEXTS.iter().map(|(n, _)| *n)).collect();
            let near = names.iter().filter(|n| distance(n, lower) <= 2).min_by_key(|n| distance(n, lower));
            let hint = near.map_or_else(
                || format!("known are {}", names.join(", ")),
                |n| format!("did you mean `{n}`?"),
            );
            wrong(place, format!("`{name}` is not known; {hint}"))
        })
    }

    fn no_class(&self, class: &str) -> String {
        format!("there is no class `{class}`; there are {}", self.table.classes.join(", "))
    }

    fn sign(&mut self, name: &str) -> Result<Is> {
        let place = self.place();
        match self.next() {
            Some(Token::Sign("<")) => Ok(Is::Less),
            Some(Token::Sign("<=")) => Ok(Is::AtMost),
            Some(Token::Sign(">")) => Ok(Is::More),
            Some(Token::Sign(">=")) => Ok(Is::AtLeast),
            Some(Token::Sign("=")) => Ok(Is::Equal),
            Some(Token::Sign("!=")) => Ok(Is::Unequal),
            _ => Err(wrong(place, format!("after `{name}` comes one of < <= > >= = !="))),
        }
    }

    fn unit(&mut self, name: Variable, is: Is, limit: f64, typed: &str) -> Result<Condition> {
        let place = self.place();
        if self.takes_sign("%") {
            if dimension(&name) != 0 || name.cycle().is_some() {
                return Err(wrong(place, format!("`{typed}` is not a share, so % does not fit")));
            }
            return Ok(Condition::Number { name, is, limit: limit / 100.0, length: Length::None });
        }
        let unit = match self.tokens.get(self.at) {
            Some((_, Token::Word(word))) if !["and", "or"].contains(&word.to_lowercase().as_str()) => {
                word.clone()
            }
            _ => String::new(),
        };
        let power = dimension(&name);
        let (length, factor) = match (power, unit.trim_end_matches(['²'])) {
            (0, "") => (Length::None, 1.0),
            (0, "deg" | "°") if name.cycle().is_some() => (Length::None, 1.0),
            (0, "rad") if name.cycle().is_some() => (Length::None, 180.0 / std::f64::consts::PI),
            (1, "") if matches!(name, Variable::X | Variable::Y) => (Length::Pixels, 1.0),
            (1, "px") => (Length::Pixels, 1.0),
            (1, "nm") if !matches!(name, Variable::X | Variable::Y) => (Length::Nanometres, 1.0),
            (1, "um" | "µm") if !matches!(name, Variable::X | Variable::Y) => (Length::Nanometres, 1e3),
            (2, "px2" | "px") if unit != "px" => (Length::Pixels, 1.0),
            (2, "nm2" | "nm") if unit != "nm" => (Length::Nanometres, 1.0),
            (2, "um2" | "µm2" | "um" | "µm") if !["um", "µm"].contains(&unit.as_str()) => {
                (Length::Nanometres, 1e6)
            }
            (2, _) => {
                return Err(wrong(
                    place,
                    format!("`{typed}` needs its unit behind the number: nm2, um2 or px2"),
                ));
            }
            (1, _) => {
                return Err(wrong(
                    place,
                    format!("`{typed}` needs its unit behind the number: nm, um or px"),
                ));
            }
            _ => return Err(wrong(place, format!("`{typed}` has no unit `{unit}`"))),
        };
        self.at += usize::from(!unit.is_empty());
        Ok(Condition::Number { name, is, limit: limit * factor, length })
    }

    fn text(&mut self, name: TextName) -> Result<Condition> {
        let place = self.place();
        let equal = match self.next() {
            Some(Token::Sign("=")) => true,
            Some(Token::Sign("!=")) => false,
            _ => return Err(wrong(place, "a name is compared with = or !=, as in `class = rod`")),
        };
        let place = self.place();
        let text = match self.next() {
            Some(Token::Word(text) | Token::Quoted(text)) => text,
            Some(Token::Number(number)) => number.to_string(),
            _ => {
                return Err(wrong(
                    place,
                    "a name is missing, as in `class = rod` or `micrograph = \"a b.tif\"`",
                ));
            }
        };
        if name == TextName::Micrograph {
            if !self.table.rows.iter().any(|row| *row.micrograph == *text) {
                return Err(wrong(place, format!("there is no micrograph `{text}` with particles")));
            }
        } else if text != "none"
            && !self.table.classes.contains(&text)
            && !self.table.rows.iter().any(|row| row.label.as_deref() == Some(&text))
        {
            return Err(wrong(place, self.no_class(&text)));
        }
        Ok(Condition::Text { name, equal, text })
    }
}

/// Letters to change, add or take away to make one word the other (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, c) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, d) in b.iter().enumerate() {
            let change = diagonal + usize::from(c != *d);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
