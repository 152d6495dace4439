//! The channels of a scanning-probe file: which of them is the first page, and what the user is told of them.

use crate::Result;

/// Channels that are looked at until one is not flat.
const MOST_TRIED: usize = 8;
/// Channels that a note names; a file may have hundreds.
const MOST_NAMED: usize = 24;
/// Characters of a name that a note shows.
const LONGEST_NAME: usize = 48;

/// One picture of a file that holds several of the same scan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Channel {
    /// As the file has it, with the direction of the scan: "Z forward".
    pub name: String,
    /// Of the values; empty if the file does not say.
    pub unit: String,
}

impl Channel {
    pub fn new(name: &str, unit: &str) -> Self {
        let clean = |text: &str| -> String {
            text.chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect::<String>().trim().into()
        };
        Self { name: clean(name), unit: clean(unit) }
    }

    fn describe(&self) -> String {
        if self.unit.is_empty() { self.name.clone() } else { format!("{} ({})", self.name, self.unit) }
    }

    /// The lower, the more it is what a microscopist calls the picture: the forward topography.
    fn rank(&self) -> u8 {
        let name = self.name.to_lowercase();
        // Nanonis writes the pass of a scan with several before the name: "[P1]_Z".
        let name = name.rsplit(']').next().unwrap_or_default().trim_start_matches(['_', ' ']);
        let letters: String = name.chars().filter(|c| c.is_alphanumeric()).collect();
        let word = name.split(|c: char| !c.is_alphanumeric()).next();
        let has = |parts: &[&str]| parts.iter().any(|part| letters.contains(part));
        let kind = if letters.starts_with("zsensor") {
            2
        } else if has(&["height", "topo"]) || word == Some("z") {
            0
        } else if self.unit == "m" && !has(&["amplitude", "deflection", "excitation"]) {
            4
        } else if has(&["frequencyshift", "freqshift"]) {
            6
        } else if has(&["current"]) {
            8
        } else {
            10
        };
        kind + u8::from(has(&["backward", "bwd", "retrace"]))
    }
}

/// The places of the channels in the file in the order of their pages: the topography first, the others as they stand.
///
/// `flat` says of a channel whether it has one value everywhere, as heights have in a scan at constant height. Such a
/// channel gives way to the next, if there is one: what is measured then, as a frequency shift or a current.
pub(super) fn order(channels: &[Channel], flat: &mut dyn FnMut(usize) -> Result<bool>) -> Result<Vec<usize>> {
    let mut ranked: Vec<usize> = (0..channels.len()).collect();
    ranked.sort_by_cached_key(|&i| channels.get(i).map(Channel::rank));
    let mut main = ranked.first().copied();
    if channels.len() > 1 {
        for &place in ranked.iter().take(MOST_TRIED) {
            if !flat(place)? {
                main = Some(place);
                break;
            }
        }
    }
    let others = (0..channels.len()).filter(|&i| Some(i) != main);
    Ok(main.into_iter().chain(others).collect())
}

/// Which page is which, in a sentence; `order` as [`order`] gives it.
pub(super) fn note(channels: &[Channel], order: &[usize]) -> Option<String> {
    let names: Vec<String> =
        order.iter().filter_map(|&i| channels.get(i)).take(MOST_NAMED).map(Channel::describe).collect();
    let (first, others) = names.split_first()?;
    if channels.len() == 1 {
        return Some(format!("the picture is {first}"));
    }
    let mut note = format!("page 0 is {first}");
    for (page, name) in others.iter().enumerate() {
        note.push_str(&format!(", {} {name}", page + 1));
    }
    if channels.len() > names.len() {
        note.push_str(&format!(" and {} more", channels.len() - names.len()));
    }
    Some(note)
}

/// Mirrors a picture left to right, top to bottom, or both. `width` is above 0.
pub(super) fn mirror(pixels: &mut [f32], width: usize, left_right: bool, top_bottom: bool) {
    if left_right {
        pixels.chunks_exact_mut(width).for_each(<[f32]>::reverse);
    }
    if top_bottom {
        let mut rows = pixels.chunks_exact_mut(width);
        while let (Some(upper), Some(lower)) = (rows.next(), rows.next_back()) {
            upper.swap_with_slice(lower);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first page where these places are flat.
    fn first(names: &[(&str, &str)], flat: &[usize]) -> usize {
        let channels: Vec<Channel> = names.iter().map(|(name, unit)| Channel::new(name, unit)).collect();
        order(&channels, &mut |place| Ok(flat.contains(&place))).unwrap().first().copied().unwrap()
    }

    #[test]
    fn the_forward_topography_is_the_first_page() {
        for (names, want) in [
            ([("Current forward", "A"), ("Z backward", "m"), ("Z forward", "m")].as_slice(), 2),
            (&[("AmplitudeRetrace", ""), ("HeightRetrace", "")], 1),
            (&[("HeightRetrace", ""), ("HeightTrace", ""), ("ZSensorTrace", "")], 1),
            (&[("ZSensor", "m"), ("Height", "m")], 1),
            (&[("Phase", "deg"), ("ZSensor", "m")], 1),
            (&[("[P1]_Current forward", "A"), ("[P1]_Z forward", "m")], 1),
            (&[("Phase", "deg"), ("Deflection", "m"), ("Data 3", "m"), ("Zero", "V")], 2),
            (&[("Phase", "deg"), ("Bias", "V")], 0),
        ] {
            assert_eq!(first(names, &[]), want, "{names:?}");
        }
    }

    #[test]
    fn at_constant_height_what_is_measured_is_the_first_page() {
        let names =
            [("Z", "m"), ("Input_4", "V"), ("Current", "A"), ("Amplitude", "m"), ("Frequency_Shift", "Hz")];
        assert_eq!(first(&names, &[]), 0);
        assert_eq!(first(&names, &[0]), 4);
        assert_eq!(first(&names, &[0, 4]), 2);
        assert_eq!(first(&names, &[0, 1, 2, 3, 4]), 0);
        assert_eq!(first(&names[..1], &[0]), 0);
    }

    #[test]
    fn a_note_names_each_page_but_not_hundreds() {
        let channels = [Channel::new("Current\n", "A"), Channel::new("Z", "m"), Channel::new("Bias", "")];
        let said = note(&channels, &[1, 0, 2]);
        assert_eq!(said.as_deref(), Some("page 0 is Z (m), 1 Current (A), 2 Bias"));
        assert_eq!(note(&channels[1..2], &[0]).as_deref(), Some("the picture is Z (m)"));
        assert_eq!(note(&[], &[]), None);
        let many = vec![Channel::new("a", ""); 100];
        assert!(note(&many, &(0..100).collect::<Vec<_>>()).unwrap().ends_with("23 a and 76 more"));
    }

    #[test]
    fn mirroring_turns_rows_or_columns() {
        let turned = |left_right, top_bottom| {
            let mut pixels = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
            mirror(&mut pixels, 2, left_right, top_bottom);
            pixels
        };
        assert_eq!(turned(false, false), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert_eq!(turned(true, false), [2.0, 1.0, 4.0, 3.0, 6.0, 5.0]);
        assert_eq!(turned(false, true), [5.0, 6.0, 3.0, 4.0, 1.0, 2.0]);
        assert_eq!(turned(true, true), [6.0, 5.0, 4.0, 3.0, 2.0, 1.0]);
    }
}
