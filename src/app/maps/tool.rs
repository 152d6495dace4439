//! The tools of the maps workspace.

use crate::app::action::{Action, Tool};

/// What a drag does on an image or a map.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MapTool {
    /// Moves the view; pointing asks the model about the pixel.
    #[default]
    Inspect,
    /// Draws round pixels; their latents light up.
    Outline,
    /// Draws the line of a profile.
    Wall,
    /// A dragged box, or an outline, does not count: an adsorbate, a step, the instrument's banner.
    Exclude,
    ExcludeOutline,
}

impl MapTool {
    /// In the order of the tool row.
    pub const ALL: [MapTool; 5] =
        [MapTool::Inspect, MapTool::Outline, MapTool::Wall, MapTool::Exclude, MapTool::ExcludeOutline];

    /// The tool that leaves something out as one of this workspace; `None` for those of particles.
    pub fn masking(tool: Tool) -> Option<Self> {
        match tool {
            Tool::Exclude => Some(Self::Exclude),
            Tool::Outline => Some(Self::ExcludeOutline),
            _ => None,
        }
    }

    /// The other way round: what it is called where particles are picked.
    pub fn mask(self) -> Option<Tool> {
        match self {
            Self::Exclude => Some(Tool::Exclude),
            Self::ExcludeOutline => Some(Tool::Outline),
            Self::Inspect | Self::Outline | Self::Wall => None,
        }
    }

    /// What chooses it.
    pub fn action(self) -> Action {
        self.mask().map_or(Action::MapTool(self), Action::Use)
    }
}
