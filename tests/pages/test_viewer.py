"""What the viewer is sent: pixels and maps that decode to those of a scan and its map, and facts about them."""

import re
from dataclasses import replace

import numpy as np
import pytest

from explain.render.colours import against, ramp
from pages.viewer import packets, planes
from pages.viewer.packets import COLOUR_NAMES, packet_of_colours, packet_of_map, packet_of_scan
from pages.viewer.pictures import Mark, Picture, Regions, described, facts_of_map, facts_of_volume, presets, window_key
from pages.viewer.planes import Cut, cuts, facts_of_voxels
from scans import phantom, read
from scans.grid import grid_of, reduced
from tests.explain.conftest import explanation
from tests.good_files import head, nifti
from tests.pages.conftest import ROOT

SCAN = phantom("glioma", 900_003, 96).scan
HEAT = np.random.default_rng(0).normal(size=SCAN.shape).astype(np.float32)


@pytest.fixture(autouse=True)
def no_session(monkeypatch):
    """Without a session there is nothing to keep packets in."""
    monkeypatch.setattr(packets, "_packet", packets.encoded)
    monkeypatch.setattr(planes, "_packed", planes.packed)


def test_pixels_decode_to_those_of_the_scan():
    pixels = packet_of_scan(SCAN).array()
    assert pixels.dtype == np.uint16 and pixels.size == SCAN.pixels.size
    np.testing.assert_allclose(pixels.reshape(SCAN.shape) / 65535, SCAN.pixels, atol=0.5 / 65535 + 1e-7)


def test_pixels_of_eight_bits_come_back_exactly():
    stored = np.arange(32 * 32).reshape(32, 32) % 256
    packet = packet_of_scan(replace(SCAN, pixels=stored / 255))
    assert (np.round(packet.array().reshape(32, 32) / 65535 * 255) == stored).all()


def test_a_map_decodes_to_its_values():
    peak = float(np.abs(HEAT).max())
    values = packet_of_map(HEAT, peak).array().reshape(HEAT.shape)
    assert values.dtype == np.int16 and np.abs(values).max() == 32767
    np.testing.assert_allclose(values / 32767 * peak, HEAT, atol=0.51 * peak / 32767)


def test_an_empty_map_is_all_zeros():
    assert not packet_of_map(np.zeros((40, 40), np.float32), 0.0).array().any()


def test_the_colours_are_those_of_exports():
    tables = packet_of_colours().array().reshape(len(COLOUR_NAMES), 256, 3)
    for name, table in zip(COLOUR_NAMES, tables, strict=True):
        np.testing.assert_array_equal(table, against() if name == "against" else ramp(name))


def test_equal_contents_have_one_key_and_others_another():
    assert packet_of_scan(SCAN).key == packet_of_scan(replace(SCAN, digest="other")).key
    assert packet_of_map(HEAT, 1.0).key != packet_of_map(-HEAT, 1.0).key


def test_the_slices_of_a_series_are_sent_the_nearest_first_and_as_many_as_there_is_room_for(monkeypatch):
    volume = [replace(SCAN, pixels=np.full((64, 64), k / 20), index=k, count=20) for k in range(20)]
    facts = facts_of_volume(volume, 7)
    assert len(facts["slices"]) == 20 and facts["place"] == 7 and facts["shared"]["rows"] == 64
    keys = {(facts["shared"] | each)["key"] for each in facts["slices"]}
    assert len(keys) == 20 and "" not in keys
    monkeypatch.setattr("pages.viewer.pictures._NEARBY", 5 * 2 * 64 * 64)
    sent = [place for place, each in enumerate(facts_of_volume(volume, 7)["slices"]) if each["key"]]
    assert sent == [5, 6, 7, 8, 9]
    assert facts_of_volume(volume[:1], 0) is None


def test_a_session_keeps_all_slices_that_are_sent_ahead():
    """What is read in turn and does not fit is never found again: all would be made anew in every run of the page."""
    volume = [replace(SCAN, pixels=np.full((8, 8), k / 900), index=k, count=900) for k in range(900)]
    places = {k for k, each in enumerate(facts_of_volume(volume, 450)["slices"]) if each["key"]}
    assert 300 < len(places) < packets.KEPT and max(places) - min(places) == len(places) - 1


def test_a_window_belongs_to_the_series():
    one, other = (replace(SCAN, digest=name, series="s") for name in "ab")
    assert window_key(one) == window_key(other) != window_key(replace(one, series="t"))


def test_slices_are_told_from_those_of_another_series_or_plane_and_from_fewer_of_their_own():
    volume = [replace(SCAN, digest="a", index=k, count=3, plane="axial") for k in range(3)]
    others = [[replace(scan, **change) for scan in volume] for change in ({"digest": "b"}, {"plane": "coronal"})]
    keys = [facts_of_volume(slices, 1)["key"] for slices in (volume, *others, volume[:2])]
    assert len(set(keys)) == 4 and keys[0] == facts_of_volume(volume, 2)["key"]
    scans = read(nifti(head(36, 64), np.diag([1.5, 0.8, 3.0, 1.0])))
    assert facts_of_voxels(scans, grid_of(scans), 10, (5, 6))["volume"] == facts_of_volume(scans, 10)["key"]


def test_presets_are_in_the_values_of_the_file():
    scan = replace(SCAN, pixels=np.linspace(0, 1, 1001)[None].repeat(2, 0), span=(-100, 900), window=(0.2, 0.6))
    windows = {each["name"]: (each["level"], each["width"]) for each in presets(scan)}
    assert windows["Default"] == pytest.approx((300, 400)) and windows["Full range"] == pytest.approx((400, 1000))
    assert windows["Auto"] == pytest.approx((400, 990)) and "Brain (CT)" not in windows
    assert {each["name"]: each["level"] for each in presets(replace(scan, modality="CT"))}["Brain (CT)"] == 40


def test_the_text_alternative_names_method_class_and_place_of_the_peak():
    heat = np.zeros(SCAN.shape, np.float32)
    heat[10, 80] = 1
    words = described(replace(SCAN, edges=("R", "L", "A", "P")), explanation(heat=heat), "Grad-CAM", "Glioma")
    for part in ("Grad-CAM", "Glioma", "row 10", "column 80", "upper right", "left", "front"):
        assert part in words
    assert "no evidence" in described(SCAN, explanation(heat=0 * heat), "Grad-CAM", "Glioma")
    flat = described(SCAN, explanation(heat=0 * heat, method="saliency"), "Saliency", "Glioma")
    assert "no sensitivity" in flat and "evidence" not in flat


def test_every_mark_on_a_picture_has_a_rule_that_fills_nothing():
    """A path without a rule of its own is filled black, and hides the scan under it."""
    styles = {
        each for file in (ROOT / "pages").rglob("*.py") for each in re.findall(r'Mark\("(\w+)"', file.read_text())
    }
    client = ROOT / "pages" / "viewer" / "client"
    styles |= {Mark().style} | set(
        re.findall(r'svg\("path", {[^}]*class: "(\w+)"', (client / "annotations.js").read_text())
    )
    rules = re.findall(r"^([^{]*){([^}]*)}", (client / "viewer.css").read_text(), re.MULTILINE)
    hollow = {name for names, rule in rules if "fill: none" in rule for name in re.findall(r"\.(\w+)", names)}
    assert {"annotation", "control", "halo"} <= styles <= hollow


def test_a_picture_tells_the_facts_of_its_scan_and_map():
    drawn = explanation(heat=HEAT, signed=True)
    facts = Picture(SCAN, drawn, alt="A", follows=True).facts()
    assert facts["kind"] == "map" and facts["map"] == facts_of_map(SCAN, drawn)
    assert facts["map"]["peak"] == pytest.approx(float(np.abs(HEAT).max())) and facts["map"]["signed"]
    assert (facts["scan"]["rows"], facts["scan"]["columns"]) == SCAN.shape
    assert facts["scan"]["window"] == list(SCAN.window) and facts["scan"]["span"] == list(SCAN.span)


@pytest.mark.parametrize(
    "changed",
    [
        {"spacing": (2.0, 2.0)},
        {"apart": 3.0},
        {"in_mm": False},
        {"edges": ("L", "R", "A", "P")},
        {"directions": (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)},
        {"corner": (1.0, 2.0, 3.0)},
        {"position": 7.0},
        {"span": (0.0, 1.0)},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_equal_voxels_in_another_place_are_another_volume(changed):
    """As after a corrected header: the cuts, their sides and their millimetres must be those of the new file."""
    assert planes.voxels_key([SCAN]) == planes.voxels_key([replace(SCAN, digest="other")])
    assert planes.voxels_key([SCAN]) != planes.voxels_key([replace(SCAN, **changed)])


def planes_of(plane: str, known: bool = True) -> tuple[Cut, Cut, Cut]:
    """Return the cuts of a volume that was read along `plane`."""
    affine = np.diag([1.5, 0.8, 3.0, 1.0])

    def forget(header):
        header["sform_code"] = header["qform_code"] = 0

    change = {} if known else {"change": forget}
    return cuts(grid_of(read(nifti(head(36, 64), affine, **change), plane=plane)))


@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
def test_three_planes_have_the_sides_that_radiologists_are_used_to(plane):
    sides = {"Axial": "RLAP", "Coronal": "RLSI", "Sagittal": "APSI"}
    own, *others = planes_of(plane)
    assert own.title.lower() == plane and (own.through, own.backwards) == (0, (False, False))
    for cut in (own, *others):
        assert "".join(cut.edges) == sides[cut.title] and {cut.through, cut.down, cut.across} == {0, 1, 2}
    assert all(not any(cut.edges) for cut in planes_of(plane, known=False))


@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
def test_a_cut_shows_what_reading_the_file_along_that_plane_shows(plane):
    data = nifti(head(36, 64), np.diag([1.5, 0.8, 3.0, 1.0]))
    volume = read(data, plane=plane)
    grid = grid_of(volume)
    voxels = np.stack([scan.pixels for scan in volume])
    for cut in cuts(grid)[1:]:
        other = read(data, plane=cut.title.lower())
        turned = voxels.transpose(cut.through, cut.down, cut.across)[:: -1 if cut.counted_back else 1]
        turned = turned[:, :: -1 if cut.backwards[0] else 1, :: -1 if cut.backwards[1] else 1]
        np.testing.assert_allclose(turned, np.stack([scan.pixels for scan in other]), atol=1e-6)


def test_voxels_are_sent_in_16_bits_with_what_places_them():
    volume = read(nifti(head(36, 64), np.diag([1.5, 0.8, 3.0, 1.0])))
    facts = facts_of_voxels(volume, grid_of(volume), 10, (5, 6))
    assert facts["shape"] == facts["full"] == [36, 64, 64] and facts["sizes"] == pytest.approx([3.0, 0.8, 1.5])
    assert facts["at"] == [5, 6] and facts["window_key"] == window_key(volume[10])
    assert np.array(facts["window"]) == pytest.approx(volume[10].window)
    values, _ = reduced(volume, grid_of(volume))
    np.testing.assert_array_equal(packets.packet_of_voxels("v", values).array(), values.ravel())
    np.testing.assert_allclose(values / 65535, np.stack([scan.pixels for scan in volume]), atol=0.5 / 4095 + 2 / 65535)


def test_regions_are_sent_as_labels_with_their_inks_and_a_legend_as_text():
    labels = np.zeros(SCAN.shape, np.uint8)
    labels[3:7, 5:9], labels[20:30, 5:9] = 1, 3
    parts = {1: ((246, 231, 90), "Both"), 3: ((217, 95, 2), "Only B")}
    facts = Picture(SCAN, regions=Regions(labels, parts)).facts()
    assert facts["kind"] == "regions" and facts["map"] is None
    assert [each["label"] for each in facts["regions"]["parts"]] == [1, 3]
    assert [each["words"] for each in facts["legend"]] == ["Both", "Only B"]
    packet = packets.packet_of_labels(labels)
    assert facts["regions"]["key"] == packet.key
    np.testing.assert_array_equal(packet.array().reshape(SCAN.shape), labels)
