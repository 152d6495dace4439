use super::*;

#[test]
fn a_layout_from_before_the_table_falls_back_to_the_standard_one() {
    let mut old = Tiles::default();
    let panes = [
        Pane::Canvas,
        Pane::Grid,
        Pane::Training,
        Pane::Settings,
        Pane::Models,
        Pane::Latent,
        Pane::Manifold,
        Pane::Review,
        Pane::Log,
    ];
    let panes = panes.map(|pane| old.insert_pane(pane));
    let root = old.insert_tab_tile(panes.to_vec());
    let old = serde_json::to_value(Tree::new(egui::Id::unique("panes"), root, old)).unwrap();
    assert!(panes::restored::<Pane>(&old).is_none());
    let kinds = |tree: &Tree<Pane>| tree.tiles.iter().filter(|(_, t)| matches!(t, Tile::Pane(_))).count();
    let nothing = serde_json::Value::Null;
    let layout = Layout::restored([&old, &nothing, &nothing]);
    assert_eq!(kinds(&layout.tree), Pane::KINDS);
    let [remembered, _, _] = layout.remembered();
    assert!(panes::restored::<Pane>(&remembered).is_some(), "today's comes back");
}
