"""The prediction follows what was removed, kept or moved, and nothing else; and is reported with its control."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from explain.__main__ import main
from explain.counterfactual import counterfactuals
from explain.counterfactual.boxes import grown, mirrored
from explain.counterfactual.edits import kept, laid
from explain.counterfactual.sentences import INCONCLUSIVE, Outcome, effect, log_odds, sentence_of, verdict
from model_zoo import Model, ModelError
from scans import Box, InputSpec, Scan, ScanError, find_head, fit, phantom
from tests.explain.analytic import broken, head, linear, mean_of, with_spot
from tests.explain.networks import model_of
from tests.good_files import dicom, disc, eight_bit, nifti_gz, png, volume

SPOT = Box(40, 24, 52, 36)  # left of the middle of a head of 96 pixels
SIDE = 96


@pytest.fixture
def scan() -> Scan:
    return with_spot(head(SIDE), *SPOT.slices)


def looks_at(box: Box, *, scale: float = 40.0, above: float = 0.75, crop: bool = False) -> Model:
    """A model whose first logit is `scale` times what the mean of a box is above a grey, the second 0."""
    network = mean_of(box.slices, side=SIDE, scale=scale, above=above)
    names = ("Glioma", "No tumour")
    return model_of(network, input=InputSpec(SIDE, SIDE, 1, crop=crop), classes=("glioma", "notumor"), names=names)


def test_removing_what_the_model_uses_changes_its_prediction(scan):
    """The spot is 1 on 0.5: before, the logit is 40 * (1 - 0.75) = 10; filled from around it, 40 * (0.5 - 0.75)."""
    (result,) = counterfactuals(looks_at(SPOT), scan, SPOT, actions=("erase",))
    assert result.logits_before == pytest.approx((10, 0), abs=1e-4)
    assert result.logits_after == pytest.approx((-10, 0), abs=0.01)
    assert result.probabilities_before[0] > 0.99 > 0.01 > result.probabilities_after[0]
    assert (result.predicted_before, result.predicted_after) == ("glioma", "notumor")
    assert all(word in result.sentence for word in ("removed", "Glioma", "No tumour", "over 99 %", "under 1 %"))


def test_removing_what_the_model_does_not_use_changes_nothing(scan):
    elsewhere = Box(60, 50, 70, 62)
    (result,) = counterfactuals(looks_at(SPOT, scale=14), scan, elsewhere, actions=("erase",))
    assert result.logits_after == result.logits_before
    assert result.sentence.count("97 %") == 2 and "No tumour" not in result.sentence


def test_a_region_kept_alone_is_enough_for_a_model_that_looks_there_only(scan):
    inner = Box(SPOT.top + 2, SPOT.left + 2, SPOT.bottom - 2, SPOT.right - 2)  # within the soft edge
    (result,) = counterfactuals(looks_at(inner), scan, SPOT, actions=("keep",))
    assert result.logits_after == pytest.approx(result.logits_before, abs=1e-4)
    assert result.predicted_after == "glioma" and "not enough" not in result.sentence
    assert result.control.logits_after == pytest.approx((-10, 0), abs=1e-4)  # the median grey, 0.5
    (other,) = counterfactuals(looks_at(inner), scan, Box(60, 50, 70, 62), actions=("keep",))
    assert other.predicted_after == "notumor" and "not enough" in other.sentence


def test_what_is_kept_lies_on_a_head_of_one_grey_without_the_air_s_letters():
    lettered = with_spot(with_spot(head(SIDE), *SPOT.slices), slice(2, 8), slice(2, 20))
    picture = kept(lettered.pixels, SPOT)
    np.testing.assert_array_equal(picture[SPOT.top + 2 : SPOT.bottom - 2, SPOT.left + 2 : SPOT.right - 2], 1)
    assert not picture[:10, :30].any()
    np.testing.assert_array_equal(picture[60:70, 40:60], 0.5)


def test_a_region_moved_to_where_the_model_looks_changes_its_prediction(scan):
    goal = Box(SPOT.top + 20, SPOT.left + 2, SPOT.bottom + 20, SPOT.right + 2)
    inner = Box(goal.top + 2, goal.left + 2, goal.bottom - 2, goal.right - 2)
    (result,) = counterfactuals(looks_at(inner), scan, SPOT, actions=("move",), offset=(20, 2))
    assert result.predicted_before == "notumor" and result.logits_before[0] == pytest.approx(-10, abs=1e-4)
    assert result.logits_after == pytest.approx((10, 0), abs=1e-4)
    np.testing.assert_allclose(result.picture.pixels[SPOT.slices], 0.5, atol=1e-3)  # filled where it was
    assert "20 pixels down" in result.sentence and "2 pixels right" in result.sentence


def test_a_moved_region_fades_out_within_its_own_edge():
    picture = np.zeros((64, 64), np.float32)
    picture[8:24, 8:24] = 1
    there = laid(picture, picture[8:24, 8:24], Box(40, 40, 56, 56))
    np.testing.assert_allclose(there[48, 38:44], [0, 0, 0.25, 0.75, 1, 1])


def test_an_action_changes_nothing_far_from_its_region_and_never_the_scan(scan):
    as_read = scan.pixels.copy()
    outside = np.ones(scan.shape, bool)
    outside[grown(SPOT, 6).slices] = False  # half of its side
    results = counterfactuals(looks_at(SPOT), scan, SPOT, actions=("erase", "keep", "move"), offset=(3, 3))
    np.testing.assert_array_equal(results[0].picture.pixels[outside], as_read[outside])
    np.testing.assert_array_equal(scan.pixels, as_read)


def test_the_crop_does_not_follow_the_change(scan):
    """With the head's lower third erased it would be found smaller, and all of it shown larger."""
    band = Box(64, 0, SIDE, SIDE)
    model = looks_at(Box(20, 20, 40, 40), crop=True)
    (result,) = counterfactuals(model, scan, band, actions=("erase",))
    assert find_head(result.picture.windowed()) != find_head(scan.windowed())
    assert result.logits_after == result.logits_before


def test_the_control_is_the_same_change_to_the_mirrored_region(scan):
    (result,) = counterfactuals(looks_at(SPOT), scan, SPOT, actions=("erase",))
    whole = find_head(scan.windowed())
    assert result.control.box == Box(40, whole.left + whole.right - 36, 52, whole.left + whole.right - 24)
    assert mirrored(result.control.box, whole) == SPOT
    assert result.control.predicted_after == "glioma" and result.control.control is None
    assert "mirrored" in result.control.sentence and result.control.sentence.count("over 99 %") == 2


def test_nothing_is_concluded_from_an_effect_that_the_control_shares(scan):
    """The model looks at both sides: the mirrored spot is as bright, and the prediction needs both."""
    whole = find_head(scan.windowed())
    both = np.zeros((SIDE, SIDE, 1, 2), np.float32)
    for box in (SPOT, mirrored(SPOT, whole)):
        both[(*box.slices, 0, 0)] = 20 / 144
    network = linear(both, (-35.0, 0.0))
    twice = with_spot(scan, *mirrored(SPOT, whole).slices)
    (result,) = counterfactuals(
        model_of(network, input=InputSpec(SIDE, SIDE, 1, crop=False)), twice, SPOT, actions=("erase",)
    )
    assert result.predicted_after == result.control.predicted_after == "class1"
    assert result.conclusion == INCONCLUSIVE and "inconclusive" in result.sentence


@pytest.mark.parametrize(
    ("box", "offset"),
    [
        (Box(40, 42, 52, 54), None),  # in the middle: it overlaps its mirror image
        (SPOT, (0, 36)),  # moved to the other side: the mirrored region would be laid over it
        (Box(60, 28, 72, 40), (0, -28)),  # the region is moved to the scan's edge, the control would be beyond it
    ],
)
def test_where_the_mirrored_region_is_no_control_another_one_is(scan, box, offset):
    action, beside = ("move", -4) if offset else ("erase", 0)
    off_centre = replace(scan, pixels=np.roll(scan.pixels, -beside, axis=1))
    (result,) = counterfactuals(looks_at(box), off_centre, box, actions=(action,), offset=offset)
    assert result.control.place == "elsewhere" and "another region" in result.control.sentence
    assert off_centre.pixels[result.control.box.slices].all()  # within the head


def test_air_is_no_control_for_a_region_of_the_head():
    """A head that leans: its lower right has no counterpart on the left."""
    y, x = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    leaning = Scan(np.where(np.hypot((x - y) / 0.45, (x + y) / 1.1) < 1, 0.5, 0).astype(np.float32), digest="")
    corner = Box(64, 66, 74, 72)
    (result,) = counterfactuals(looks_at(SPOT), leaning, corner, actions=("erase",))
    assert leaning.pixels[corner.slices].all() and leaning.pixels[result.control.box.slices].all()


def test_without_a_place_for_a_control_there_is_none_and_no_dependence_is_claimed(scan):
    most = Box(28, 20, 68, 76)
    (result,) = counterfactuals(looks_at(SPOT), scan, most, actions=("erase",))
    assert result.control is None and result.predicted_after == "notumor"
    assert result.conclusion == INCONCLUSIVE and "no control" in result.sentence


def test_the_window_of_the_file_is_what_is_changed_and_shown():
    """Stored values beyond the window must not bleed into the filling."""
    pixels = np.where(head(SIDE).pixels > 0, 0.3, 0).astype(np.float32)
    pixels[SPOT.slices] = 1
    windowed = Scan(pixels, digest="", window=(0.2, 0.4), span=(0.0, 1000.0))
    (result,) = counterfactuals(looks_at(SPOT), windowed, SPOT, actions=("erase",))
    assert result.picture.window == (0, 1) and result.picture.span == pytest.approx((200, 400))
    np.testing.assert_allclose(result.picture.pixels[SPOT.slices], 0.5, atol=1e-3)
    np.testing.assert_array_equal(result.picture.windowed()[60:70], windowed.windowed()[60:70])


def test_the_prediction_before_is_that_of_the_model(in_tiny_zoo):
    from model_zoo import load_model

    model, scan = load_model("tiny-phantom4", precision="f32"), phantom("glioma", 5, 100).scan
    (result,) = counterfactuals(model, scan, Box(30, 30, 50, 50), actions=("erase",))
    square, _ = fit(scan, model.card.input)
    np.testing.assert_array_equal(result.probabilities_before, model.predict(square[None])[0])
    assert sum(result.probabilities_after) == pytest.approx(1, abs=1e-6)


def test_a_changed_scan_has_a_digest_of_its_own(scan):
    results = counterfactuals(looks_at(SPOT), scan, SPOT, actions=("erase", "keep", "move"), offset=(3, 3))
    results += counterfactuals(looks_at(SPOT), scan, Box(40, 24, 52, 37), actions=("erase",))
    assert len({scan.digest, *(each.picture.digest for each in results)}) == 5
    assert {each.scan for each in results} == {scan.digest}


def test_the_manifest_is_json_with_every_class(scan):
    (result,) = counterfactuals(looks_at(SPOT), scan, SPOT, actions=("erase",))
    manifest = json.loads(json.dumps(result.manifest()))
    assert manifest["box"] == {"row": 40, "column": 24, "height": 12, "width": 12}
    assert manifest["probabilities"]["notumor"]["after"] > 0.99 > manifest["probabilities"]["notumor"]["before"]
    assert manifest["control"]["action"] == "erase" and "not about the patient" in manifest["note"]


@pytest.mark.parametrize(
    ("box", "message"),
    [
        (Box(10, 10, 10, 30), "0 × 20 pixels; draw one of 2 × 2"),
        (Box(30, 30, 20, 40), "0 × 10 pixels"),
        (Box(90, 90, 97, 96), "rows 90 to 96 and columns 90 to 95, but the scan has 96 rows and 96 columns"),
        (Box(-1, 0, 20, 20), "draw it within the scan"),
        (Box(0, 0, SIDE, SIDE), "covers 100 % of the head"),
        (Box(12, 12, 84, 84), "90 % or less"),
        (Box(0, 0, 5, 5), "the model is given rows 1"),
    ],
)
def test_a_region_that_cannot_be_used_is_refused_in_one_sentence(scan, box, message):
    with pytest.raises(ScanError, match=message) as error:
        counterfactuals(looks_at(SPOT, crop=True), scan, box)
    assert str(error.value).count(".") == 1 and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"actions": ("remove",)}, ModelError, "no action 'remove'; there are erase, keep, move"),
        ({"actions": ("move",)}, ModelError, "give one"),
        ({"actions": ("move",), "offset": (0, 0)}, ModelError, "not 0, 0"),
        ({"actions": ("erase", "move"), "offset": (50, 0)}, ScanError, "rows 90 to 101"),
        ({"actions": ("move",), "offset": (0, -25)}, ScanError, "leaves it within the scan"),
    ],
)
def test_an_action_that_cannot_be_done_is_refused_in_one_sentence(scan, wrong, error, message):
    with pytest.raises(error, match=message):
        counterfactuals(looks_at(SPOT), scan, SPOT, **wrong)


def test_a_blank_slice_and_a_broken_model_are_refused(scan):
    with pytest.raises(ScanError, match="blank"):
        counterfactuals(looks_at(SPOT), Scan(np.zeros((64, 64), np.float32), digest=""), Box(10, 10, 20, 20))
    with pytest.raises(ModelError, match="not finite"):
        counterfactuals(model_of(broken()), scan, SPOT)


def of(p: float) -> np.ndarray:
    """Logits of two classes with probability `p` for the first."""
    return np.array([np.log(p / (1 - p)), 0.0])


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (0.97, "same"),
        (0.95, "same"),  # 2 points, the odds 1.7 times lower
        (0.90, "weaker"),  # 7 points, the odds 3.6 times lower
        (0.60, "weaker"),
        (0.48, "changed"),  # less than half of it is left
        (0.40, "changed"),
        (0.999, "stronger"),
    ],
)
def test_an_effect_is_ten_points_or_threefold_odds_and_half_of_it_gone_is_a_change(after, expected):
    assert effect(of(0.97), of(after)) == expected


def test_less_than_half_of_the_probability_is_a_change_although_the_class_stays():
    before, after = (np.log([p, (1 - p) / 3, (1 - p) / 3, (1 - p) / 3]) for p in (0.99, 0.45))
    assert after.argmax() == 0 and effect(before, after) == "changed"


def test_odds_differ_where_probabilities_round_to_one():
    before, after = np.array([60.0, 0.0, 0.0]), np.array([48.0, 0.0, 0.0])
    assert log_odds(before, 0) - log_odds(after, 0) == pytest.approx(12)
    change, control = Outcome("erase", before, after), Outcome("erase", before, before, place="mirrored")
    assert verdict(change, control) == "partly"
    sentence = sentence_of(("Glioma", "Meningioma", "No tumour"), change, control, conclude=True)
    assert sentence.count("over 99 %") == 2 and "over 1000 times lower" in sentence


@pytest.mark.parametrize("place", ["mirrored", "elsewhere"])
@pytest.mark.parametrize(
    ("action", "after", "control", "expected"),
    [
        ("erase", 0.96, None, "independent"),
        ("erase", 0.7, 0.96, "partly"),
        ("erase", 0.7, None, INCONCLUSIVE),
        ("erase", 0.7, 0.8, INCONCLUSIVE),  # 17 of 27 points
        ("erase", 0.1, 0.65, "depends"),  # 32 of 87 points
        ("erase", 0.1, 0.2, INCONCLUSIVE),
        ("erase", 0.999, 0.97, "against"),
        ("erase", 0.999, 0.1, "against"),  # the control does the opposite
        ("keep", 0.96, 0.1, "independent"),
        ("keep", 0.7, 0.1, "partly"),
        ("keep", 0.96, 0.96, INCONCLUSIVE),
        ("keep", 0.96, None, INCONCLUSIVE),
        ("keep", 0.1, None, "depends"),
        ("move", 0.96, 0.96, "independent"),
        ("move", 0.7, 0.96, "partly"),
        ("move", 0.1, None, INCONCLUSIVE),
    ],
)
def test_a_sentence_claims_no_more_than_the_control_allows(action, after, control, expected, place):
    change = Outcome(action, of(0.97), of(after), (0, -4))
    beside = None if control is None else Outcome(action, of(0.97), of(control), (0, -4), place)
    assert verdict(change, beside) == expected
    sentence = sentence_of(("Glioma", "No tumour"), change, beside, conclude=True)
    assert sentence.count(".") == 1 and sentence.endswith(".")
    assert ("inconclusive" in sentence) is (expected == INCONCLUSIVE)
    assert ("no control" in sentence) is (control is None and expected == INCONCLUSIVE)


def test_nothing_depends_on_a_region_whose_control_changes_the_prediction_too():
    """Though the first class gets likelier without the region, as another does even more."""
    before, after, control = (np.array(logits) for logits in ([1.0, 0.9, 0.9], [1.0, 1.2, -5.0], [0.0, 0.5, 3.0]))
    assert log_odds(after, 0) > log_odds(before, 0) > log_odds(control, 0)
    assert verdict(Outcome("erase", before, after), Outcome("erase", before, control, place="mirrored")) == INCONCLUSIVE
    assert verdict(Outcome("erase", before, after), Outcome("erase", before, before, place="mirrored")) == "depends"


@pytest.mark.parametrize("after", [0.97, 0.7, 0.1, 0.999])
@pytest.mark.parametrize("action", ["erase", "move"])
def test_nothing_is_concluded_from_a_region_that_is_still_there(action, after):
    """Whatever the probability does; not even that the prediction does not depend on the region."""
    control = Outcome(action, of(0.97), of(0.97), (0, -4), "mirrored", contrast_left=0.0)
    for left, failed in ((0.0, False), (0.5, False), (0.51, True), (1.7, True)):
        change = Outcome(action, of(0.97), of(after), (0, -4), contrast_left=left)
        assert (verdict(change, control) == INCONCLUSIVE) is failed
        assert ("contrast" in sentence_of(("A", "B"), change, control, conclude=True)) is failed


def test_a_control_with_scalp_in_it_is_a_control():
    """Scalp is replaced by scalp, and stands out as before."""
    change = Outcome("erase", of(0.97), of(0.1))
    assert verdict(change, Outcome("erase", of(0.97), of(0.97), (0, 0), "mirrored", contrast_left=0.95)) == "depends"


# --- python -m explain counterfactual


@pytest.fixture
def run(in_tiny_zoo, tmp_path, capsys):
    """Run the command into `tmp_path/out`; return the exit status, what it printed, and stderr."""

    def command(*arguments):
        given = ["counterfactual", *map(str, arguments), "--model", "tiny-phantom4", "--out", str(tmp_path / "out")]
        status = main(given)
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return command


def test_the_command_writes_a_picture_and_a_line_for_each_action(run, tmp_path):
    spotted = with_spot(Scan(disc(), digest=""), slice(22, 28), slice(14, 20)).pixels
    (tmp_path / "a.png").write_bytes(png(spotted))
    status, out, _ = run(tmp_path / "a.png", "--box", "20,12,10,12", "--to", "-4,20", "--json")
    entries, folder = json.loads(out), tmp_path / "out"
    assert status == 0 and [entry["action"] for entry in entries] == ["erase", "keep", "move"]
    lines = [json.loads(line) for line in (folder / "counterfactuals.jsonl").read_text().splitlines()]
    pictures = [line["picture"] for line in lines]
    assert {path.name for path in folder.iterdir()} == {*pictures, "counterfactuals.jsonl"}
    assert [re.sub("-[0-9a-f]{8}", "", name) for name in pictures] == ["a.erase.png", "a.keep.png", "a.move.png"]
    assert lines[2]["offset"] == [-4, 20] and lines[0]["box"]["width"] == 12
    with Image.open(folder / pictures[0]) as picture:
        written = np.asarray(picture)
    outside = np.ones((64, 64), bool)
    outside[grown(Box(20, 12, 30, 24), 5).slices] = False
    np.testing.assert_array_equal(written[outside], eight_bit(spotted)[outside])
    assert (written != eight_bit(spotted)).any()


def test_every_region_slice_and_offset_has_a_picture_of_its_own(run, tmp_path):
    (tmp_path / "v.nii.gz").write_bytes(nifti_gz(volume()))
    move = ("--action", "move", "--to")
    for changes in (
        ("--box", "15,15,8,8"),
        ("--box", "15,15,8,9"),
        ("--box", "15,15,8,8", "--slice", 20),
        ("--box", "15,15,8,8", *move, "0,4"),
        ("--box", "15,15,8,8", *move, "0,5"),
        ("--box", "15,15,8,8"),  # once more: the same picture
    ):
        action = () if "--action" in changes else ("--action", "erase")
        assert run(tmp_path / "v.nii.gz", *changes, *action)[0] == 0
    assert len(list((tmp_path / "out").glob("v.*.png"))) == 5


def test_the_command_prints_a_sentence_for_each_with_its_control(run, tmp_path):
    (tmp_path / "a.png").write_bytes(png(disc()))
    status, out, _ = run(tmp_path / "a.png", "--box", "20,12,10,12", "--action", "keep")
    assert status == 0 and out.count("\n") == 2
    assert "With the region alone" in out and "  control: With the mirrored region alone" in out


def test_the_command_reads_what_the_others_read(run, tmp_path):
    (tmp_path / "v.nii.gz").write_bytes(nifti_gz(volume()))
    _, out, _ = run(tmp_path / "v.nii.gz", "--box", "15,15,8,8", "--slice", 20, "--plane", "coronal", "--json")
    assert {(entry["slice"], entry["plane"]) for entry in json.loads(out)} == {(20, "coronal")}
    (tmp_path / "wide.dcm").write_bytes(dicom((1000 * disc()).astype(np.uint16), PixelSpacing=[2.0, 1.0]))
    status, _, _ = run(tmp_path / "wide.dcm", "--box", "20,12,10,12", "--action", "erase")
    with Image.open(*(tmp_path / "out").glob("wide.erase-*.png")) as picture:
        assert status == 0 and picture.height / picture.width == pytest.approx(2, abs=0.05)


def test_a_scan_or_a_region_that_cannot_be_used_is_one_entry_and_status_1(run, tmp_path):
    (tmp_path / "a.png").write_bytes(png(disc()))
    (tmp_path / "b.png").write_bytes(b"no picture")
    for name, box, message in (("a.png", "60,60,10,10", "draw it within the scan"), ("b.png", "1,1,9,9", "b.png")):
        status, out, error = run(tmp_path / name, "--box", box, "--json")
        (entry,) = json.loads(out)
        assert status == 1 and error == "" and set(entry) == {"file", "error"}
        assert message in entry["file"] + entry["error"]


def test_what_the_command_cannot_do_is_one_sentence_on_stderr(run, tmp_path, capsys):
    (tmp_path / "a.png").write_bytes(png(disc()))
    status, out, error = run(tmp_path / "a.png", "--box", "20,12,10,12", "--action", "move")
    assert (status, out) == (2, "") and "give one" in error and error.count("\n") == 1
    for wrong in (("--box", "20,12,10"), ("--box", "a,b,c,d"), ("--box", "1,1,9,9", "--to", "4")):
        with pytest.raises(SystemExit) as stop:
            run(tmp_path / "a.png", *wrong)
        assert stop.value.code == 2 and "whole numbers of pixels" in capsys.readouterr().err
    given = ["counterfactual", str(tmp_path / "a.png"), "--box", "20,12,10,12", "--out", str(tmp_path / "o")]
    assert main([*given, "--model", "nope"]) == 2
    assert "the zoo has tiny-phantom4" in capsys.readouterr().err
    assert main([*given[:-1], str(tmp_path / "a.png" / "out"), "--model", "tiny-phantom4"]) == 2
    assert "give a folder that can be written as --out" in capsys.readouterr().err
