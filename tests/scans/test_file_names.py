"""Safe display of the names of uploaded files."""

import pytest

from scans import display_name


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("T1_axial (2).dcm", "T1_axial (2).dcm"),
        ("Schädel 頭部 #3.nii.gz", "Schädel 頭部 #3.nii.gz"),
        ("../../etc/passwd", "passwd"),
        (r"C:\Users\erika\scan.png", "scan.png"),
        ("![x](http://evil.example/p.png)", "p.png)"),
        ("[click](javascript:alert(1)).png", "click·(javascript:alert(1)).png"),
        ("**bold** `code` $x$ ~no~.png", "bold· ·code· ·x· ·no·.png"),
        ("<img src=x onerror=alert(1)>.png", "img src=x onerror=alert(1)·.png"),
        ("# Heading.png", "Heading.png"),
        ("two\nlines\tand\r\nmore.png", "two lines and more.png"),
        ("scan\u202egnp.exe", "scangnp.exe"),
        ("a\u200bb\x00c\x1b[31m.png", "abc·31m.png"),
        ("", "unnamed file"),
        ("../", "unnamed file"),
        ("...", "unnamed file"),
        ("\u202e\x00", "unnamed file"),
    ],
)
def test_a_name_is_shown_as_harmless_text(name, shown):
    assert display_name(name) == shown


def test_a_name_of_300_characters_keeps_its_beginning_and_its_extension():
    shown = display_name("left" + "x" * 300 + "-scan.nii.gz")
    assert len(shown) == 60
    assert shown.startswith("leftxxx")
    assert shown.endswith("-scan.nii.gz")
    assert shown.count("…") == 1


def test_a_name_of_60_characters_is_not_cut():
    name = "y" * 56 + ".png"
    assert display_name(name) == name
