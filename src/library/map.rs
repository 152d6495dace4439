//! Maps as files: calibrated 32-bit float TIFF, NPY, and tables of segments and profiles.
//!
//! Every file is written whole or not at all.

use crate::micrograph::PixelSize;
use crate::order::{Map, Profile, Segments};
use crate::project::atomic;
use crate::{Error, Result};
use npyz::WriterBuilder;
use std::io::{self, Cursor};
use std::path::Path;
use tiff::encoder::{Rational, TiffEncoder, colortype};
use tiff::tags::{ResolutionUnit, Tag};

/// Where a grid of values lies on its image, and how large a value is.
#[derive(Clone, Copy, Debug)]
struct Grid {
    width: usize,
    height: usize,
    step: f64,
    origin: [f64; 2],
    pixel_size: Option<PixelSize>,
}

/// Writes a map as a 32-bit float TIFF that ImageJ opens with its scale: the size of a value in nanometres (pixels of
/// the image where that is not known) and the origin, so that coordinates are those of the image. NaN stays NaN.
///
/// # Errors
/// [`Error::Io`] with `path`; the file is then as it was.
pub fn write_tiff(map: &Map, pixel_size: Option<PixelSize>, path: &Path) -> Result<()> {
    let grid = Grid { width: map.width, height: map.height, step: map.step, origin: map.origin, pixel_size };
    save_tiff::<colortype::Gray32Float>(&map.values, &grid, path)
}

/// Writes the labels as an 8-bit TIFF, calibrated as [`write_tiff`]; 0 is no segment.
///
/// # Errors
/// As [`write_tiff`].
pub fn write_labels(segments: &Segments, pixel_size: Option<PixelSize>, path: &Path) -> Result<()> {
    let (width, height) = (segments.width, segments.height);
    let grid = Grid { width, height, step: segments.step, origin: segments.origin, pixel_size };
    save_tiff::<colortype::Gray8>(&segments.labels, &grid, path)
}

/// Writes a map as `[height, width]` float32 NPY.
///
/// # Errors
/// As [`write_tiff`].
pub fn write_npy(map: &Map, path: &Path) -> Result<()> {
    atomic::write_file(path, |to| {
        let shape = [map.height as u64, map.width as u64];
        let mut file = npyz::WriteOptions::new().default_dtype().shape(&shape).writer(to).begin_nd()?;
        file.extend(map.values.iter().copied())?;
        file.finish()
    })
}

/// Writes one row a segment: `label,count,share,area_px,area_nm2,mean_z0..`; an empty cell for what is not known.
///
/// # Errors
/// As [`write_tiff`].
pub fn write_segments(segments: &Segments, path: &Path) -> Result<()> {
    let latents = segments.segments.first().map_or(0, |s| s.mean.len());
    let mut header: Vec<String> = ["label", "count", "share", "area_px", "area_nm2"].map(String::from).into();
    header.extend((0..latents).map(|i| format!("mean_z{i}")));
    let rows = segments.segments.iter().map(|s| {
        let mut cells = vec![
            s.label.to_string(),
            s.count.to_string(),
            s.share.to_string(),
            s.area_px.to_string(),
            s.area_nm2.map_or_else(String::new, |v| v.to_string()),
        ];
        cells.extend(s.mean.iter().map(f64::to_string));
        cells
    });
    write_table(&header, rows, path)
}

/// Writes one row a point: `distance_px,distance_nm,value,sd,unit`; an empty cell for what is not known. `unit` is that of
/// value and sd, and what a value of the map is multiplied by for it.
///
/// # Errors
/// As [`write_tiff`].
pub fn write_profile(
    profile: &Profile,
    pixel_size: Option<PixelSize>,
    (unit, factor): (&str, f64),
    path: &Path,
) -> Result<()> {
    let header = ["distance_px", "distance_nm", "value", "sd", "unit"].map(String::from);
    let nm = pixel_size.map(|size| profile.nm_per_px(size));
    let known = |v: f64| if v.is_finite() { v.to_string() } else { String::new() };
    let rows = (0..profile.values.len()).map(|i| {
        let d = profile.distance_px[i];
        vec![
            d.to_string(),
            nm.map_or_else(String::new, |nm| (d * nm).to_string()),
            known(factor * profile.values[i]),
            known(factor * profile.sd[i]),
            unit.to_owned(),
        ]
    });
    write_table(&header, rows, path)
}

/// Writes a CSV table, whole or not at all.
///
/// # Errors
/// As [`write_tiff`].
pub fn write_table(header: &[String], rows: impl Iterator<Item = Vec<String>>, path: &Path) -> Result<()> {
    atomic::write_file(path, |to| {
        let mut table = csv::Writer::from_writer(to);
        table.write_record(header).map_err(io::Error::other)?;
        for row in rows {
            table.write_record(row).map_err(io::Error::other)?;
        }
        table.flush()
    })
}

fn save_tiff<C>(values: &[C::Inner], grid: &Grid, path: &Path) -> Result<()>
where
    C: colortype::ColorType,
    [C::Inner]: tiff::encoder::TiffValue,
{
    let bytes = tiff_bytes::<C>(values, grid).map_err(|why| match why {
        tiff::TiffError::IoError(source) => Error::io(path, "write", source),
        other => Error::invalid(path.display().to_string(), other.to_string()),
    })?;
    atomic::write_file(path, |to| to.write_all(&bytes))
}

/// ImageJ's convention: the unit in the description, pixels for each unit as the resolution.
fn tiff_bytes<C>(values: &[C::Inner], grid: &Grid) -> tiff::TiffResult<Vec<u8>>
where
    C: colortype::ColorType,
    [C::Inner]: tiff::encoder::TiffValue,
{
    let mut bytes = Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut bytes)?;
    let (unit, size) = match grid.pixel_size {
        Some(size) => ("nm", [size.x_nm * grid.step, size.y_nm * grid.step]),
        None => ("pixel", [grid.step; 2]),
    };
    let [x, y] = [0, 1].map(|i| -grid.origin[i] / grid.step);
    let description = format!("ImageJ=1.54f\nunit={unit}\nxorigin={x}\nyorigin={y}\n");
    let mut image = encoder.new_image::<C>(grid.width as u32, grid.height as u32)?;
    image.resolution_unit(ResolutionUnit::None);
    image.x_resolution(rational(1.0 / size[0]));
    image.y_resolution(rational(1.0 / size[1]));
    image.encoder().write_tag(Tag::ImageDescription, description.as_str())?;
    image.write_data(values)?;
    Ok(bytes.into_inner())
}

/// The fraction of two 32-bit numbers nearest to a value above 0.
fn rational(value: f64) -> Rational {
    let d = if value >= 1.0 { (f64::from(u32::MAX) / value).floor().min(1e6) } else { 4e9 };
    Rational { n: (value * d).round().clamp(1.0, f64::from(u32::MAX)) as u32, d: d.max(1.0) as u32 }
}
