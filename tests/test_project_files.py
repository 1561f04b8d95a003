"""The files around the code agree: versions, addresses, Python versions, links."""

import re
import sys
from pathlib import Path

import pytest
import yaml

import alexnet

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
COMMUNITY = ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "examples/README.md")


def releases() -> list[tuple[str, str]]:
    """Version and date of each release in the changelog, newest first."""
    text = (ROOT / "CHANGELOG.md").read_text()
    return re.findall(r"^## (\d+\.\d+\.\d+) - (\d{4}-\d\d-\d\d)$", text, re.M)


def workflow() -> str:
    return (ROOT / ".github" / "workflows" / "test.yml").read_text()


def test_changelog_citation_and_package_name_the_same_release() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert releases() == sorted(releases(), reverse=True)
    assert releases()[0] == (citation["version"], str(citation["date-released"]))
    assert citation["version"] == alexnet.__version__


def test_the_address_of_the_repository_is_the_same_everywhere() -> None:
    repository = PROJECT["urls"]["Repository"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["repository-code"] == repository
    files = [ROOT / "pyproject.toml", *(ROOT / ".github").rglob("*.y*ml"), *ROOT.glob("*.md")]
    named = {
        address
        for file in files
        for address in re.findall(r"https://github\.com/[\w.-]+/alexnet\b", file.read_text())
    }
    assert named == {repository}


def test_the_supported_pythons_are_those_that_are_tested() -> None:
    prefix = "Programming Language :: Python :: 3."
    classified = {
        name.rpartition(" ")[2] for name in PROJECT["classifiers"] if name.startswith(prefix)
    }
    matrix = yaml.safe_load(workflow())["jobs"]["test"]["strategy"]["matrix"]
    assert classified == set(matrix["python"])
    assert PROJECT["requires-python"] == f">={matrix['python'][0]}"


def test_actions_are_pinned_by_their_major_version() -> None:
    used = re.findall(r"uses: (\S+)", workflow())
    assert used
    assert [action for action in used if not re.fullmatch(r"actions/[\w-]+@v\d+", action)] == []


@pytest.mark.parametrize("form", ["bug.yml", "feature.yml", "config.yml"])
def test_issue_forms_are_valid_yaml(form: str) -> None:
    content = yaml.safe_load((ROOT / ".github" / "ISSUE_TEMPLATE" / form).read_text())
    if form != "config.yml":
        assert {"name", "description", "body"} <= set(content)
        ids = [field["id"] for field in content["body"]]
        assert len(ids) == len(set(ids))


@pytest.mark.parametrize("name", COMMUNITY)
def test_links_to_files_lead_somewhere(name: str) -> None:
    page = ROOT / name
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_the_make_targets_of_the_contributing_guide_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    text = (ROOT / "CONTRIBUTING.md").read_text()
    named = set(re.findall(r"\bmake ([a-z-]+)", re.sub(r"[^`]*(`[^`]*`)?", r"\1 ", text)))
    assert named >= {"check", "test", "test-fast", "test-long", "smoke"}
    assert [name for name in named if not re.search(rf"^{name}:", makefile, re.M)] == []
