"""Every package of the app has a licence that Apache-2.0 can carry."""

import re
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LOCKS = (ROOT / "requirements.txt", ROOT / "requirements-ray.txt")
PINNED = sorted(
    {name for lock in LOCKS for name in re.findall(r"^([A-Za-z0-9._-]+)==", lock.read_text(), re.MULTILINE)}
)


def licence_of(package: str) -> str:
    """What a package says of its licence: the SPDX expression, else the classifiers, else its own words."""
    facts = metadata(package)
    classified = [line for line in facts.get_all("Classifier") or () if line.startswith("License ::")]
    return facts.get("License-Expression") or " ".join(classified) or (facts.get("License") or "")[:200]


@pytest.mark.parametrize("package", PINNED)
def test_no_package_of_the_app_passes_the_gpl_on_to_it(package):
    """The LGPL and MPL-2.0 bind changes of the package itself; the GPL and the AGPL bind all that uses it."""
    try:
        licence = licence_of(package)
    except PackageNotFoundError:
        pytest.skip(f"{package} is for another platform, or for the engine ray, which is not installed")
    assert not re.search(r"(?<![A-Za-z])A?GPL|(?<!Lesser )General Public License", licence), licence


def test_the_gpl_is_told_from_the_lgpl():
    said = {"GPL-3.0": True, "AGPL-3.0-only": True, "LGPL-3.0-only": False, "MPL-2.0": False, "Apache-2.0": False}
    said |= {"License :: OSI Approved :: GNU General Public License v3 (GPLv3)": True}
    said |= {"License :: OSI Approved :: GNU Lesser General Public License v3 (LGPLv3)": False}
    for licence, expected in said.items():
        found = re.search(r"(?<![A-Za-z])A?GPL|(?<!Lesser )General Public License", licence)
        assert bool(found) == expected, licence
