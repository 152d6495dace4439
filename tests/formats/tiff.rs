//! TIFF: sample types, byte orders, BigTIFF, strips, tiles, planes, compressions, palettes, pages and scales.

use super::write::{Folder, Kind, Tag, Tiff, TiffPage, opened, pixels, refused, tiff, zlib};
use nanotheca::micrograph::format::{Info, info, open, open_page};

const KINDS: [(Kind, u16, u16); 10] = [
    (Kind::U8, 8, 1),
    (Kind::I8, 8, 2),
    (Kind::U16, 16, 1),
    (Kind::I16, 16, 2),
    (Kind::U32, 32, 1),
    (Kind::I32, 32, 2),
    (Kind::U64, 64, 1),
    (Kind::F16, 16, 3),
    (Kind::F32, 32, 3),
    (Kind::F64, 64, 3),
];

/// Rows of `rows` each as strips.
fn in_strips(data: &[u8], row_bytes: usize, rows: usize) -> Vec<Vec<u8>> {
    data.chunks(row_bytes * rows).map(<[u8]>::to_vec).collect()
}

/// Tiles of 16 x 16, filled up with a value that must not be seen.
fn in_tiles(data: &[u8], width: usize, height: usize, bytes: usize) -> Vec<Vec<u8>> {
    let mut tiles = Vec::new();
    for (top, left) in (0..height).step_by(16).flat_map(|y| (0..width).step_by(16).map(move |x| (y, x))) {
        let mut tile = vec![0xEE; 16 * 16 * bytes];
        for (y, x) in
            (top..height.min(top + 16)).flat_map(|y| (left..width.min(left + 16)).map(move |x| (y, x)))
        {
            let (from, to) = ((y * width + x) * bytes, ((y - top) * 16 + x - left) * bytes);
            tile[to..to + bytes].copy_from_slice(&data[from..from + bytes]);
        }
        tiles.push(tile);
    }
    tiles
}

#[test]
fn every_sample_type_opens_in_strips_and_tiles_in_both_byte_orders_and_as_bigtiff() {
    let (width, height) = (20_usize, 18_usize);
    for (kind, bits, format) in KINDS {
        let values = kind.values(width * height);
        for (big_endian, big) in [(false, false), (true, false), (false, true), (true, true)] {
            let data = kind.encode(&values, big_endian);
            let whole = TiffPage::grey(width as u32, height as u32, bits, format, data.clone());
            let mut strips = whole.clone().with(278, Tag::Long(vec![5]));
            strips.chunks = in_strips(&data, width * kind.bytes(), 5);
            let mut tiles =
                whole.clone().without(278).with(322, Tag::Long(vec![16])).with(323, Tag::Long(vec![16]));
            tiles.chunks = in_tiles(&data, width, height, kind.bytes());
            tiles.tiled = true;
            for (name, page) in [("whole", whole), ("strips", strips), ("tiles", tiles)] {
                let m = opened("a.tif", &Tiff { big_endian, big }.bytes(&[page]));
                assert_eq!((m.width, m.height), (width, height));
                assert_eq!(
                    *m.pixels,
                    *pixels(&values),
                    "{kind:?} {name}, big-endian {big_endian}, BigTIFF {big}"
                );
            }
        }
    }
}

#[test]
fn a_page_that_several_threads_decode_has_each_strip_and_tile_in_its_place() {
    // Odd sizes, so that the last strip and the outer tiles are smaller than the others.
    let (width, height) = (2110_usize, 2003_usize);
    let values: Vec<f64> = (0..width * height).map(|i| (i * 31 % 65_521) as f64).collect();
    let data = Kind::U16.encode(&values, false);
    let whole = TiffPage::grey(width as u32, height as u32, 16, 1, data.clone());
    let mut strips = whole.clone().with(278, Tag::Long(vec![7])).with(259, Tag::Short(vec![8]));
    strips.chunks = in_strips(&data, width * 2, 7).iter().map(|strip| zlib(strip)).collect();
    let mut tiles = whole.without(278).with(322, Tag::Long(vec![16])).with(323, Tag::Long(vec![16]));
    tiles.chunks = in_tiles(&data, width, height, 2);
    tiles.tiled = true;
    for (name, page) in [("strips", strips.clone()), ("tiles", tiles)] {
        let m = opened("large.tif", &tiff(page));
        let wrong = m.pixels.iter().zip(&values).position(|(got, want)| f64::from(*got) != *want);
        assert_eq!(wrong, None, "{name}");
    }
    // One that is broken late in the file is named.
    strips.chunks[250] = b"no deflate".to_vec();
    let refusal = refused("broken.tif", &tiff(strips));
    assert!(refusal.contains("strip 250"), "{refusal}");
}

#[test]
fn packed_pages_open() {
    let values = Kind::U16.values(20 * 18);
    let data = Kind::U16.encode(&values, false);
    let page = TiffPage::grey(20, 18, 16, 1, Vec::new());
    let mut deflate = page.clone().with(259, Tag::Short(vec![8]));
    deflate.chunks = vec![zlib(&data)];
    // Differences along each row, as encoders make them smaller with.
    let mut predicted = values.clone();
    for row in predicted.chunks_mut(20) {
        for x in (1..20).rev() {
            row[x] = (row[x] as u16).wrapping_sub(row[x - 1] as u16).into();
        }
    }
    let mut predictor = page.clone().with(259, Tag::Short(vec![8])).with(317, Tag::Short(vec![2]));
    predictor.chunks = vec![zlib(&Kind::U16.encode(&predicted, false))];
    // PackBits: a run of literal bytes is its length less one, then the bytes.
    let mut packbits = page.with(259, Tag::Short(vec![32773]));
    packbits.chunks = vec![data.chunks(100).flat_map(|run| [&[run.len() as u8 - 1], run].concat()).collect()];
    for (name, page) in [("deflate", deflate), ("predictor", predictor), ("packbits", packbits)] {
        assert_eq!(*opened("a.tif", &tiff(page)).pixels, *pixels(&values), "{name}");
    }

    let mut file = std::io::Cursor::new(Vec::new());
    let numbers: Vec<u16> = values.iter().map(|&v| v as u16).collect();
    let mut encoder = ::tiff::encoder::TiffEncoder::new(&mut file)
        .unwrap()
        .with_compression(::tiff::encoder::Compression::Lzw);
    encoder.write_image::<::tiff::encoder::colortype::Gray16>(20, 18, &numbers).unwrap();
    assert_eq!(*opened("lzw.tif", file.get_ref()).pixels, *pixels(&values));
}

#[test]
fn colour_becomes_luminance_in_one_plane_and_in_three() {
    // Red, green, blue, and a grey that must stay what it is.
    let [r, g, b] = [[200, 0, 0, 77], [0, 100, 0, 77], [0, 0, 50, 77]];
    let want = [42.52, 71.52, 3.61, 77.0];
    let rgb = TiffPage::grey(4, 1, 8, 1, Vec::new())
        .with(262, Tag::Short(vec![2]))
        .with(258, Tag::Short(vec![8; 3]));
    let chunky: Vec<u8> = (0..4).flat_map(|i| [r[i], g[i], b[i]]).collect();
    let with_alpha: Vec<u8> = (0..4).flat_map(|i| [r[i], g[i], b[i], 9]).collect();
    let mut pages = vec![
        rgb.clone().with(277, Tag::Short(vec![3])),
        rgb.clone()
            .with(277, Tag::Short(vec![4]))
            .with(258, Tag::Short(vec![8; 4]))
            .with(338, Tag::Short(vec![2])),
        rgb.with(277, Tag::Short(vec![3])).with(284, Tag::Short(vec![2])),
    ];
    pages[0].chunks = vec![chunky];
    pages[1].chunks = vec![with_alpha];
    pages[2].chunks = vec![r.to_vec(), g.to_vec(), b.to_vec()];
    for page in pages {
        let m = opened("rgb.tif", &tiff(page));
        for (got, want) in m.pixels.iter().zip(want) {
            assert!((got - want).abs() < 1e-3, "{:?}", m.pixels);
        }
    }
}

#[test]
fn a_palette_of_greys_becomes_the_greys() {
    let inverted: Vec<u16> = (0..3).flat_map(|_| (0..256).map(|i| (255 - i) * 257)).collect();
    let halves: Vec<u16> = (0..3).flat_map(|_| (0..16).map(|i| i * 10 * 257)).collect();
    for big_endian in [false, true] {
        for big in [false, true] {
            let page = TiffPage::grey(3, 1, 8, 1, vec![0, 100, 255])
                .with(262, Tag::Short(vec![3]))
                .with(320, Tag::Short(inverted.clone()));
            let m = opened("sem.tif", &Tiff { big_endian, big }.bytes(&[page]));
            assert_eq!(*m.pixels, [255.0, 155.0, 0.0]);
            // 4 bit, two rows that each start a new byte.
            let page = TiffPage::grey(3, 2, 4, 1, vec![0x12, 0x3F, 0xFE, 0xD0])
                .with(262, Tag::Short(vec![3]))
                .with(320, Tag::Short(halves.clone()));
            let m = opened("sem.tif", &Tiff { big_endian, big }.bytes(&[page]));
            assert_eq!(*m.pixels, [10.0, 20.0, 30.0, 150.0, 140.0, 130.0]);
        }
    }
    let no_map = TiffPage::grey(3, 1, 8, 1, vec![0, 1, 2]).with(262, Tag::Short(vec![3]));
    assert!(refused("sem.tif", &tiff(no_map.clone())).contains("TIFF: ColorMap"));
    let short_map = no_map.with(320, Tag::Short(vec![1, 2, 1, 2, 1, 2]));
    assert!(refused("sem.tif", &tiff(short_map)).contains("the palette has 2"));
}

#[test]
fn bits_and_white_is_zero() {
    let page = TiffPage::grey(10, 1, 1, 1, vec![0b1010_0000, 0b0100_0000]);
    let bits = [1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0];
    assert_eq!(*opened("b.tif", &tiff(page)).pixels, bits);
    let page = TiffPage::grey(2, 1, 8, 1, vec![0, 250]).with(262, Tag::Short(vec![0]));
    assert_eq!(*opened("w.tif", &tiff(page)).pixels, [255.0, 5.0]);
}

#[test]
fn pages_open_one_by_one() {
    let pages: Vec<TiffPage> = (0..4_u8)
        .map(|i| TiffPage::grey(2 + u32::from(i), 1, 8, 1, (0..2 + i).map(|x| 10 * i + x).collect()))
        .collect();
    let folder = Folder::new();
    let path = folder.file("s.tif", &Tiff { big_endian: true, big: false }.bytes(&pages));
    assert_eq!(info(&path).unwrap().pages, 4);
    assert_eq!(*open_page(&path, 0).unwrap().pixels, [0.0, 1.0]);
    assert_eq!(*open_page(&path, 3).unwrap().pixels, [30.0, 31.0, 32.0, 33.0, 34.0]);
    assert!(open_page(&path, 4).unwrap_err().to_string().contains("page 4"));
}

fn info_with(tags: &[(u16, Tag)]) -> Info {
    let page = TiffPage::grey(2, 2, 8, 1, vec![1, 2, 3, 4]);
    let page = tags.iter().fold(page, |page, (tag, value)| page.with(*tag, value.clone()));
    let folder = Folder::new();
    info(folder.file("scale.tif", &tiff(page))).unwrap()
}

fn text(text: &str) -> Tag {
    Tag::Text([text.as_bytes(), b"\0"].concat())
}

#[test]
fn a_pixel_size_is_read_wherever_instruments_and_programs_put_it() {
    let ratios = |x, y| [(282, Tag::Ratio(x, 1)), (283, Tag::Ratio(y, 1))];
    let with = |tag: (u16, Tag), more: &[(u16, Tag)]| [&[tag], more].concat();
    let imagej = |unit: &str| (270, text(&format!("ImageJ=1.54f\nimages=1\nunit={unit}\nloop=false\n")));
    let ome = r#"<?xml version="1.0"?><OME><Image ID="Image:0"><Pixels SizeX="2" PhysicalSizeX="0.5" PhysicalSizeXUnit="nm" PhysicalSizeY="0.25" PhysicalSizeYUnit="nm"/></Image></OME>"#;
    let mut zeiss = b"\r\nAP_MAG\r\nMag = 50 K X\r\nAP_IMAGE_PIXEL_SIZE\r\nImage Pixel Size = 1.5 ".to_vec();
    zeiss.extend(b"\xB5m\r\n\0"); // Latin-1
    for (tags, x_nm, y_nm, unit) in [
        (with(imagej("nm"), &ratios(4, 2)), 0.25, 0.5, "nm"),
        (with(imagej("\\u00B5m"), &ratios(1000, 1000)), 1.0, 1.0, "µm"),
        (with(imagej("micron"), &ratios(500, 500)), 2.0, 2.0, "µm"),
        (vec![(270, text(ome))], 0.5, 0.25, "nm"),
        (vec![(34682, text("[Scan]\r\nPixelWidth=3e-009\r\nPixelHeight=4e-009\r\n"))], 3.0, 4.0, "m"),
        (vec![(34680, text("[Scan]\nPixelWidth=3e-009\n"))], 3.0, 3.0, "m"),
        (vec![(34118, Tag::Text(zeiss))], 1500.0, 1500.0, "µm"),
        (with((296, Tag::Short(vec![3])), &ratios(10_000_000, 5_000_000)), 1.0, 2.0, "cm"),
    ] {
        let info = info_with(&tags);
        let size = info.pixel_size.unwrap_or_else(|| panic!("{unit}: no pixel size"));
        assert!((size.x_nm / x_nm - 1.0).abs() < 1e-6 && (size.y_nm / y_nm - 1.0).abs() < 1e-6, "{size:?}");
        assert_eq!(info.pixel_size_unit.as_deref(), Some(unit));
        assert!(info.pixel_size_source.is_some());
    }
}

#[test]
fn what_the_first_page_says_of_a_stack_holds_for_all_pages_of_its_size() {
    let page = |w: u32| TiffPage::grey(w, 2, 8, 1, vec![7; 2 * w as usize]);
    let ratios = |page: TiffPage| page.with(282, Tag::Ratio(4, 1)).with(283, Tag::Ratio(2, 1));
    let ome = text(
        r#"<OME><Image><Pixels PhysicalSizeX="0.25" PhysicalSizeY="0.5" PhysicalSizeXUnit="nm"/></Image></OME>"#,
    );
    let imagej = text("ImageJ=1.54f\nimages=3\nslices=3\nunit=nm\n");
    for first in [page(3).with(270, ome), ratios(page(3)).with(270, imagej)] {
        let file = Tiff { big_endian: false, big: false }.bytes(&[first, page(3), page(5)]);
        let folder = Folder::new();
        let path = folder.file("stack.tif", &file);
        let size = |page| open_page(&path, page).unwrap().pixel_size.map(|size| (size.x_nm, size.y_nm));
        assert_eq!([size(0), size(1), size(2)], [Some((0.25, 0.5)), Some((0.25, 0.5)), None]);
    }
}

#[test]
fn the_resolution_of_a_screen_is_no_pixel_size() {
    for dpi in [72, 96, 300, 2400] {
        let info =
            info_with(&[(296, Tag::Short(vec![2])), (282, Tag::Ratio(dpi, 1)), (283, Tag::Ratio(dpi, 1))]);
        assert_eq!(info.pixel_size, None, "{dpi} dpi");
        assert!(info.notes.iter().any(|n| n.contains("XResolution")), "{:?}", info.notes);
    }
    for tags in [
        vec![(282, Tag::Ratio(1, 0)), (283, Tag::Ratio(1, 0))],
        vec![(282, Tag::Ratio(0, 1)), (283, Tag::Ratio(0, 1))],
        vec![(270, text("ImageJ=1.5\nunit=pixel\n")), (282, Tag::Ratio(3, 1))],
        vec![(270, text("ImageJ=1.5\nunit=inch\n")), (282, Tag::Ratio(300, 1))],
        vec![(270, text("ImageJ=1.5\nunit=cm\n")), (282, Tag::Ratio(118, 1)), (296, Tag::Short(vec![3]))],
        vec![(34118, text("AP_IMAGE_PIXEL_SIZE\nImage Pixel Size = ? nm\n"))],
        Vec::new(),
    ] {
        assert_eq!(info_with(&tags).pixel_size, None);
    }
}

#[test]
fn a_lying_directory_is_refused_before_memory_is_taken() {
    let huge = TiffPage::grey(200_000, 200_000, 8, 1, vec![1; 16]);
    assert!(refused("huge.tif", &tiff(huge)).contains("TIFF: ImageWidth, ImageLength"));
    let more = TiffPage::grey(100, 100, 16, 1, vec![1; 300]);
    let error = refused("more.tif", &tiff(more));
    assert!(error.contains("TIFF: StripOffsets") && error.contains("truncated"), "{error}");
    let packed = TiffPage::grey(20_000, 20_000, 8, 1, zlib(&[0; 100])).with(259, Tag::Short(vec![8]));
    let error = refused("packed.tif", &tiff(packed));
    assert!(error.contains("TIFF: ImageWidth, ImageLength") && error.contains("cannot be packed"), "{error}");
    // The strip unpacks, but to less than the page has.
    let short = TiffPage::grey(100, 100, 8, 1, zlib(&[5; 9_999])).with(259, Tag::Short(vec![8]));
    assert!(refused("short.tif", &tiff(short)).contains("TIFF: strip 0"));
    // A chain of pages that goes round.
    let mut round = tiff(TiffPage::grey(2, 2, 8, 1, vec![1, 2, 3, 4]));
    let (n, first) = (round.len(), round[4..8].to_vec());
    round[n - 4..].copy_from_slice(&first);
    let folder = Folder::new();
    assert!(open(folder.file("round.tif", &round)).is_err());
}

#[test]
fn an_8k_picture_of_floats_in_one_strip_opens() {
    let folder = Folder::new();
    // Directory first, so that the file may end in a hole instead of pixels.
    let mut bytes = b"II*\0\x08\0\0\0\x0A\0".to_vec();
    for (tag, kind, value) in [
        (256_u16, 4_u16, 8192_u32),
        (257, 4, 8192),
        (258, 3, 32),
        (259, 3, 1),
        (262, 3, 1),
        (273, 4, 256),
        (277, 3, 1),
        (278, 4, 8192),
        (279, 4, 4 * 8192 * 8192),
        (339, 3, 3),
    ] {
        bytes.extend(
            [&tag.to_le_bytes()[..], &kind.to_le_bytes(), &1_u32.to_le_bytes(), &value.to_le_bytes()]
                .concat(),
        );
    }
    bytes.resize(256, 0);
    bytes.extend(2.5_f32.to_le_bytes());
    let path = folder.file("8k.tif", &bytes);
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(256 + 4 * 8192 * 8192).unwrap();
    let m = open(&path).unwrap();
    assert_eq!((m.width, m.height, m.pixel(0, 0), m.pixel(8191, 8191)), (8192, 8192, Some(2.5), Some(0.0)));
    // One byte short of its promise.
    file.set_len(256 + 4 * 8192 * 8192 - 1).unwrap();
    assert!(open(&path).unwrap_err().to_string().contains("truncated"));
}
