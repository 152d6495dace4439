//! NPZ files: zip archives of NPY arrays. As a micrograph, and as a data set of labelled images.

use super::npy::{self, Array};
use super::sample::{SampleType, read_samples};
use super::source::{DEFLATE_RATIO, SeekRead, Source};
use super::{Page, guarded};
use crate::{Error, Result};
use npyz::npz::{array_name_from_file_name, file_name_from_array_name};
use npyz::zip::ZipArchive;
use std::io::{self, Read};
use std::path::Path;

const NAME: &str = "NPZ";

/// Images for training or classifying, with labels if the file has them.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelledImages {
    pub n: usize,
    pub height: usize,
    pub width: usize,
    /// `n * height * width` values in 0..=1, image after image, row after row.
    pub images: Vec<f32>,
    /// One for each image: the class from 0, or -1 for none.
    pub labels: Option<Vec<i64>>,
}

/// Reads `images` (N, H, W), uint8 0..=255 or float 0..=1, and, if it is there, `labels` (N,), whole numbers from -1.
/// Other arrays in the file are left alone.
///
/// # Errors
/// [`Error::File`] naming the array and what is wrong with it.
pub fn read_images_npz(path: impl AsRef<Path>) -> Result<LabelledImages> {
    let source = Source::open(path.as_ref())?;
    guarded(&source, NAME, || {
        let mut archive = Archive::open(&source)?;
        let (array, [n, height, width], mut images) = archive.images()?;
        scale_to_unit(&source, array.kind, &mut images)?;
        let labels = archive.labels(n)?;
        Ok(LabelledImages { n, height, width, images, labels })
    })
}

/// The micrograph in an archive: the array `images` if there is one, else the first with 2 or 3 axes of numbers.
pub(super) fn read(source: &Source, page: usize) -> Result<Page> {
    guarded(source, NAME, || {
        let mut archive = Archive::open(source)?;
        let name = archive.picture()?;
        archive.with_array(&name, |array, reader, bad| {
            let layout = array.layout(bad)?;
            source.pixel_count(NAME, &name, layout.width, layout.height)?;
            source.check_page(NAME, page, layout.pages)?;
            let skip = array.page_start(layout, page);
            let broken = |e: io::Error| bad("data", format!("cannot be unpacked ({e})"));
            io::copy(&mut (&mut *reader).take(skip), &mut io::sink()).map_err(broken)?;
            let pixels = array.read_page(reader, layout, page).map_err(broken)?;
            finish(reader).map_err(broken)?;
            let mut picture = array.into_page(layout, pixels);
            picture.notes.push(format!("array `{name}`"));
            Ok(picture)
        })
    })
}

/// Reads to the archive member's end, where its checksum is compared.
pub(super) fn finish(reader: &mut dyn Read) -> io::Result<()> {
    io::copy(reader, &mut io::sink()).map(|_| ())
}

/// An archive and what is in it.
pub(super) struct Archive<'a> {
    source: &'a Source,
    zip: ZipArchive<Box<dyn SeekRead + 'a>>,
    /// Arrays in the order of the file.
    pub names: Vec<String>,
}

impl<'a> Archive<'a> {
    pub fn open(source: &'a Source) -> Result<Self> {
        let damaged =
            |e: String| source.bad(NAME, "archive", format!("{e}: the file is truncated or no NPZ"));
        let mut zip = ZipArchive::new(source.reader()?).map_err(|e| damaged(e.to_string()))?;
        let mut names = Vec::with_capacity(zip.len());
        for i in 0..zip.len() {
            let entry = zip.by_index_raw(i).map_err(|e| damaged(e.to_string()))?;
            names.extend(array_name_from_file_name(entry.name()).map(str::to_owned));
        }
        if names.is_empty() {
            return Err(source.bad(NAME, "archive", "there is no array (.npy) in it"));
        }
        Ok(Self { source, zip, names })
    }

    /// Opens one array, checks that it can be as long as it says, and hands it on with its reader at the first number.
    pub fn with_array<T>(
        &mut self,
        name: &str,
        use_it: impl FnOnce(Array, &mut dyn Read, npy::Bad<'_>) -> Result<T>,
    ) -> Result<T> {
        let source = self.source;
        let bad = |field: &str, problem: String| source.bad(NAME, format!("{name}: {field}"), problem);
        let mut entry = self
            .zip
            .by_name(&file_name_from_array_name(name))
            .map_err(|e| bad("archive", format!("{e}: the file is damaged")))?;
        let (packed, size) = (entry.compressed_size(), entry.size());
        if packed > source.len || size > packed.saturating_mul(DEFLATE_RATIO).saturating_add(64) {
            return Err(bad("size", format!("{size} bytes cannot be packed into {packed}")));
        }
        let array = npy::read_header(&mut entry, &bad)?;
        array.check_length(size, &bad)?;
        use_it(array, &mut entry, &bad)
    }

    /// The name of the array that is the micrograph.
    fn picture(&mut self) -> Result<String> {
        let mut names = self.names.clone();
        names.sort_by_key(|name| name != "images");
        let mut refusal = None;
        for name in names {
            match self.with_array(&name, |array, _, bad| array.layout(bad)) {
                Ok(_) => return Ok(name),
                Err(e) => refusal = refusal.or(Some(e)),
            }
        }
        Err(refusal.unwrap_or_else(|| self.source.bad(NAME, "archive", "there is no array in it")))
    }

    fn images(&mut self) -> Result<(Array, [usize; 3], Vec<f32>)> {
        if !self.names.iter().any(|n| n == "images") {
            let problem = format!("there is no such array; the file has {}", self.names.join(", "));
            return Err(self.source.bad(NAME, "images", problem));
        }
        self.with_array("images", |array, reader, bad| {
            let &[n, height, width] = array.shape.as_slice() else {
                return Err(bad("shape", format!("{:?} is not (images, rows, columns)", array.shape)));
            };
            if n * height * width == 0 {
                return Err(bad("shape", format!("{:?} has no numbers in it", array.shape)));
            }
            if !matches!(array.kind, SampleType::U8 | SampleType::F16 | SampleType::F32 | SampleType::F64) {
                let problem = format!("{}: give uint8 0..255 or float 0..1", array.kind.name());
                return Err(bad("type", problem));
            }
            let broken = |e: io::Error| bad("data", format!("cannot be unpacked ({e})"));
            let mut images = Vec::with_capacity(n * height * width);
            let mut keep = |block: &[f32]| images.extend_from_slice(block);
            read_samples(reader, array.kind, array.order, n * height * width, &mut keep).map_err(broken)?;
            finish(reader).map_err(broken)?;
            if array.fortran {
                images = from_fortran(&images, n, height, width);
            }
            Ok((array, [n, height, width], images))
        })
    }

    fn labels(&mut self, images: usize) -> Result<Option<Vec<i64>>> {
        if !self.names.iter().any(|n| n == "labels") {
            return Ok(None);
        }
        self.with_array("labels", |array, reader, bad| {
            if array.shape != [images] {
                return Err(bad("shape", format!("{:?} for {images} images: give ({images},)", array.shape)));
            }
            let mut bytes = vec![0; images * array.kind.bytes()];
            let broken = |e: io::Error| bad("data", format!("cannot be unpacked ({e})"));
            reader.read_exact(&mut bytes).map_err(broken)?;
            finish(reader).map_err(broken)?;
            let labels = array.kind.decode_integers(array.order, &bytes).ok_or_else(|| {
                bad("type", format!("{}: give whole numbers, -1 for no label", array.kind.name()))
            })?;
            match labels.iter().position(|&label| label < -1) {
                Some(i) => {
                    Err(bad("value", format!("label {} of image {i}: classes count from 0", labels[i])))
                }
                None => Ok(Some(labels)),
            }
        })
    }
}

/// Turns (n, h, w) stored with the first axis fastest into rows of pixels.
fn from_fortran(stored: &[f32], n: usize, height: usize, width: usize) -> Vec<f32> {
    let mut images = Vec::with_capacity(stored.len());
    for i in 0..n {
        for y in 0..height {
            images.extend((0..width).filter_map(|x| stored.get(i + n * (y + height * x))));
        }
    }
    images
}

/// uint8 is divided by 255; floats must be in 0..=1 already.
fn scale_to_unit(source: &Source, kind: SampleType, images: &mut [f32]) -> Result<()> {
    if kind == SampleType::U8 {
        images.iter_mut().for_each(|v| *v /= 255.0);
        return Ok(());
    }
    match images.iter().position(|v| !(0.0..=1.0).contains(v)) {
        Some(i) => {
            let problem = format!("number {i} is {}: floats must be in 0..1", images[i]);
            Err(Error::file(&source.path, NAME, "images: value", problem))
        }
        None => Ok(()),
    }
}
