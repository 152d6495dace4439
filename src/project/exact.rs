//! JSON text from which every number comes back with the same bits: see [`crate::micrograph::number`].

use serde::Serialize;
use serde::de::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::ser::{Formatter, Serializer};
use std::io;

/// The value as one line of JSON.
///
/// # Errors
/// As [`serde_json::to_string`].
pub(super) fn to_string<T: Serialize + ?Sized>(value: &T) -> serde_json::Result<String> {
    let mut bytes = Vec::with_capacity(128);
    value.serialize(&mut Serializer::with_formatter(&mut bytes, Exact))?;
    String::from_utf8(bytes).map_err(serde::ser::Error::custom)
}

struct Exact;

impl Formatter for Exact {
    fn write_f64<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        let text = serde_json::to_string(&value)?;
        if comes_back(&text, value) { write!(writer, "{text}") } else { write!(writer, "\"{text}\"") }
    }
}

fn comes_back(text: &str, value: f64) -> bool {
    serde_json::from_str::<f64>(text).is_ok_and(|read| read.to_bits() == value.to_bits())
}

/// Reads any JSON, with numbers between quotes where [`to_string`] put them there.
pub(super) fn read_value<'de, D: Deserializer<'de>>(from: D) -> Result<Value, D::Error> {
    Value::deserialize(from).map(unquote)
}

fn unquote(value: Value) -> Value {
    match value {
        Value::String(text) => {
            // Only what the writer would have put between quotes; all other text stays text.
            let number = text.parse::<f64>().ok().filter(|number| {
                serde_json::to_string(number).is_ok_and(|t| t == text) && !comes_back(&text, *number)
            });
            number.map_or(Value::String(text), Value::from)
        }
        Value::Array(items) => items.into_iter().map(unquote).collect(),
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (name, unquote(value))).collect(),
        other => other,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::micrograph::number;
    use rand::{Rng, SeedableRng};

    #[test]
    fn every_number_comes_back_with_the_same_bits() {
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(5);
        let mut quoted = 0;
        for _ in 0..100_000 {
            let bits = random.next_u64();
            let value = f64::from_bits(bits);
            if value.is_finite() {
                let text = to_string(&value).unwrap();
                let read = number::read(&mut serde_json::Deserializer::from_str(&text)).unwrap();
                assert_eq!(read.to_bits(), value.to_bits(), "{text}");
                let maybe = number::read_option(&mut serde_json::Deserializer::from_str(&text)).unwrap();
                assert_eq!(maybe.map(f64::to_bits), Some(value.to_bits()), "{text}");
                let tree = serde_json::json!({ "settings": [value, "1.5"] });
                let text = to_string(&tree).unwrap();
                assert_eq!(
                    read_value(&mut serde_json::Deserializer::from_str(&text)).unwrap(),
                    tree,
                    "{text}"
                );
                quoted += usize::from(text.contains(": [\"") || text.contains(":[\""));
            }
            let single = f32::from_bits(bits as u32);
            if single.is_finite() {
                let text = to_string(&single).unwrap();
                assert_eq!(serde_json::from_str::<f32>(&text).unwrap().to_bits(), single.to_bits(), "{text}");
            }
        }
        assert!(quoted > 0, "the plain writer would have done; then this file is not needed");
        assert_eq!(number::read_option(&mut serde_json::Deserializer::from_str("null")).unwrap(), None);
        assert!(number::read(&mut serde_json::Deserializer::from_str("\"wide\"")).is_err());
    }
}
