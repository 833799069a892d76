//! Draws small pictures as SVG, from a style and a seed. The same seed gives the same picture.

use std::collections::HashMap;
use std::f64::consts::{PI, TAU};
use std::fmt::Write;

use serde::{Deserialize, Serialize};

/// The size of every picture.
const WIDTH: f64 = 320.0;
const HEIGHT: f64 = 240.0;

/// The colours of a picture: the background, then those on it.
const PALETTES: [[&str; 5]; 6] = [
    ["#f6e7cf", "#e4572e", "#17406d", "#f3a712", "#76b29c"],
    ["#102542", "#f87060", "#cdd7d6", "#b3a394", "#ffd166"],
    ["#fdf0d5", "#c1121f", "#003049", "#669bbc", "#780000"],
    ["#e9f1e4", "#2d6a4f", "#95d5b2", "#d68c45", "#1b4332"],
    ["#2b2d42", "#ef8354", "#8d99ae", "#edf2f4", "#4f5d75"],
    ["#fbeee6", "#9b5de5", "#f15bb5", "#00bbf9", "#fee440"],
];

/// The subject of a picture.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Style {
    /// A sun over waves of hills.
    Hills,
    /// Rows of scales, as on Japanese fabric.
    Scales,
    /// Arcs that meet at the edges of tiles.
    Tiles,
    /// A town at night.
    Town,
    /// Stems with leaves.
    Stems,
    /// Circles within circles.
    Orbits,
}

/// Draws a picture.
pub(crate) fn draw(style: Style, seed: u64) -> String {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let palette = PALETTES[dice.below(PALETTES.len())];
    let mut svg = sheet(palette[0]);
    match style {
        Style::Hills => hills(&mut svg, &mut dice, &palette),
        Style::Scales => scales(&mut svg, &mut dice, &palette),
        Style::Tiles => tiles(&mut svg, &mut dice, &palette),
        Style::Town => town(&mut svg, &mut dice, &palette),
        Style::Stems => stems(&mut svg, &mut dice, &palette),
        Style::Orbits => orbits(&mut svg, &mut dice, &palette),
    }
    svg + "</svg>\n"
}

/// The beginning of a picture.
pub(crate) fn sheet(background: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\">\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"{background}\"/>\n"
    )
}

/// Returns the colours of a picture, the most frequent first, at most five. Takes time: it reads the whole text.
pub(crate) fn colours(svg: &str) -> Vec<String> {
    let mut counts: HashMap<String, (usize, usize)> = HashMap::new();
    for (place, hash) in svg.match_indices('#') {
        let digits =
            svg.get(place + 1..place + 7).filter(|it| it.bytes().all(|byte| byte.is_ascii_hexdigit()));
        if let Some(digits) = digits {
            counts.entry(format!("{hash}{}", digits.to_ascii_lowercase())).or_insert((0, place)).0 += 1;
        }
    }
    let mut colours: Vec<_> = counts.into_iter().collect();
    // Equal counts are sorted by the first place, so that the result is the same each time.
    colours.sort_by_key(|(_, (count, place))| (std::cmp::Reverse(*count), *place));
    colours.into_iter().take(5).map(|(colour, _)| colour).collect()
}

/// A small generator of random numbers: xorshift64*.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() >> 33) as usize % limit
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (self.next() >> 11) as f64 / (1u64 << 53) as f64 * (high - low)
    }
}

/// Adds a shape. Writing to a `String` cannot fail.
macro_rules! add {
    ($svg:expr, $($shape:tt)*) => {{
        let _ = writeln!($svg, $($shape)*);
    }};
}

fn circle(svg: &mut String, x: f64, y: f64, r: f64, colour: &str) {
    add!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{r:.1}\" fill=\"{colour}\"/>");
}

fn hills(svg: &mut String, dice: &mut Dice, palette: &[&str; 5]) {
    let (x, r) = (dice.between(70.0, 250.0), dice.between(24.0, 44.0));
    circle(svg, x, dice.between(56.0, 92.0), r, palette[1]);
    for layer in 0..4 {
        let base = 110.0 + 32.0 * f64::from(layer);
        let (height, length, shift) =
            (dice.between(8.0, 22.0), dice.between(110.0, 220.0), dice.between(0.0, TAU));
        let mut path = format!("M0 {HEIGHT}");
        for step in 0..=32 {
            let x = f64::from(step) * WIDTH / 32.0;
            let y = base + height * (x / length * TAU + shift).sin() + 4.0 * (x / 37.0 + shift).sin();
            let _ = write!(path, "L{x:.0} {y:.1}");
        }
        let colour = palette[[3, 4, 2, 1][layer as usize]];
        add!(svg, "<path d=\"{path}L{WIDTH} {HEIGHT}Z\" fill=\"{colour}\"/>");
    }
}

fn scales(svg: &mut String, dice: &mut Dice, palette: &[&str; 5]) {
    let r = [20.0, 26.667, 32.0][dice.below(3)];
    let mut row = 0;
    while f64::from(row) * r / 2.0 < HEIGHT + r {
        let y = f64::from(row) * r / 2.0;
        let mut x = if row % 2 == 0 { 0.0 } else { r };
        while x < WIDTH + r {
            let colour = palette[1 + dice.below(4)];
            circle(svg, x, y, r, palette[0]);
            circle(svg, x, y, r * 0.9, colour);
            circle(svg, x, y, r * 0.62, palette[0]);
            circle(svg, x, y, r * 0.34, colour);
            x += 2.0 * r;
        }
        row += 1;
    }
}

fn tiles(svg: &mut String, dice: &mut Dice, palette: &[&str; 5]) {
    let size = 40.0;
    for row in 0..6 {
        for column in 0..8 {
            let (x, y) = (f64::from(column) * size, f64::from(row) * size);
            let (ground, shape) = (palette[1 + dice.below(4)], palette[dice.below(5)]);
            if dice.below(3) == 0 {
                add!(svg, "<rect x=\"{x}\" y=\"{y}\" width=\"{size}\" height=\"{size}\" fill=\"{ground}\"/>");
            }
            let far = (x + size, y + size);
            let (from, to, corner) = match dice.below(4) {
                0 => ((far.0, y), (x, far.1), (x, y)),
                1 => ((x, y), far, (far.0, y)),
                2 => ((x, far.1), (far.0, y), far),
                _ => ((x, y), far, (x, far.1)),
            };
            let sweep = u8::from(corner == (x, y) || corner == far);
            add!(
                svg,
                "<path d=\"M{} {}L{} {}A{size} {size} 0 0 {sweep} {} {}Z\" fill=\"{shape}\"/>",
                corner.0,
                corner.1,
                from.0,
                from.1,
                to.0,
                to.1
            );
        }
    }
}

fn town(svg: &mut String, dice: &mut Dice, palette: &[&str; 5]) {
    circle(svg, dice.between(40.0, 280.0), dice.between(34.0, 62.0), 20.0, palette[3]);
    for layer in 0..2 {
        let mut x = -10.0;
        while x < WIDTH {
            let width = dice.between(24.0, 52.0);
            let height = dice.between(50.0, 120.0) + if layer == 0 { 50.0 } else { 0.0 };
            let (y, colour) = (HEIGHT - height, palette[if layer == 0 { 2 } else { 4 }]);
            add!(
                svg,
                "<rect x=\"{x:.0}\" y=\"{y:.0}\" width=\"{width:.0}\" height=\"{height:.0}\" fill=\"{colour}\"/>"
            );
            if dice.below(3) == 0 {
                let (top, middle, right) = (y - 16.0, x + width / 2.0, x + width);
                add!(
                    svg,
                    "<path d=\"M{x:.0} {y:.0}L{middle:.0} {top:.0}L{right:.0} {y:.0}Z\" fill=\"{}\"/>",
                    palette[1]
                );
            }
            let mut window = y + 10.0;
            while window < HEIGHT - 8.0 {
                for place in [0.25, 0.6] {
                    let lit = if dice.below(3) == 0 { palette[3] } else { palette[0] };
                    let left = x + width * place;
                    add!(
                        svg,
                        "<rect x=\"{left:.0}\" y=\"{window:.0}\" width=\"6\" height=\"8\" fill=\"{lit}\"/>"
                    );
                }
                window += 18.0;
            }
            x += width + dice.between(0.0, 8.0);
        }
    }
}

fn stems(svg: &mut String, dice: &mut Dice, palette: &[&str; 5]) {
    for stem in 0..5 {
        let root = 40.0 + f64::from(stem) * 60.0 + dice.between(-10.0, 10.0);
        let (top, lean) = (dice.between(36.0, 96.0), dice.between(-26.0, 26.0));
        let (leaf, line) = (palette[1 + dice.below(3)], palette[4]);
        let bow = root + lean * 1.4;
        let tip = root + lean;
        add!(
            svg,
            "<path d=\"M{root:.1} {HEIGHT}Q{bow:.1} 150 {tip:.1} {top:.1}\" fill=\"none\" stroke=\"{line}\" \
             stroke-width=\"2.5\"/>"
        );
        for step in 1..7 {
            let t = f64::from(step) / 7.0;
            let x = (1.0 - t).powi(2) * root + 2.0 * t * (1.0 - t) * bow + t * t * tip;
            let y = (1.0 - t).powi(2) * HEIGHT + 2.0 * t * (1.0 - t) * 150.0 + t * t * top;
            let size = 17.0 - 9.0 * t;
            for side in [-1.0, 1.0] {
                let (tilt, middle) = (side * 38.0, x + side * size);
                add!(
                    svg,
                    "<ellipse cx=\"{middle:.1}\" cy=\"{y:.1}\" rx=\"{size:.1}\" ry=\"{:.1}\" fill=\"{leaf}\" \
                     transform=\"rotate({:.0} {x:.1} {y:.1})\"/>",
                    size * 0.4,
                    -tilt
                );
            }
        }
        circle(svg, tip, top, 7.0, palette[1 + dice.below(3)]);
    }
}

fn orbits(svg: &mut String, dice: &mut Dice, palette: &[&str; 5]) {
    let (x, y) = (dice.between(110.0, 210.0), dice.between(90.0, 150.0));
    for ring in (1..8).rev() {
        let r = f64::from(ring) * 21.0;
        if ring % 2 == 0 {
            circle(svg, x, y, r, palette[[0, 2, 4, 3][ring as usize / 2]]);
        }
        add!(
            svg,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{r:.1}\" fill=\"none\" stroke=\"{}\" stroke-width=\"1.5\"/>",
            palette[1]
        );
        let angle = dice.between(0.0, 2.0 * PI);
        circle(
            svg,
            x + r * angle.cos(),
            y + r * angle.sin(),
            dice.between(4.0, 10.0),
            palette[1 + dice.below(4)],
        );
    }
    circle(svg, x, y, 14.0, palette[1]);
}
