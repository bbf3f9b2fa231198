"""The site builds without a warning, every public name is reachable, every link works, and nothing needs a network."""

import html.parser
import importlib.util
import os
import pathlib
import subprocess
import sys
import urllib.parse

import pytest

from tests.doc._pages import ROOT

pytestmark = pytest.mark.slow


class _Page(html.parser.HTMLParser):
    """Collects the links, the resources and the anchors of a page."""

    def __init__(self, path):
        super().__init__()
        self.links, self.resources, self.anchors, self.text = [], [], set(), []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        of = dict(attributes)
        self.anchors |= {of[name] for name in ("id", "name") if of.get(name)}
        if tag == "a" and of.get("href"):
            self.links.append(of["href"])
        elif tag == "link" and of.get("rel") not in ("canonical", "next", "prev"):
            self.resources.append(of["href"])
        elif tag in ("script", "img", "iframe", "source") and of.get("src"):
            self.resources.append(of["src"])

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    env = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}  # an announcement of the theme
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, env=env)
    assert done.returncode == 0, done.stderr[-5000:]
    assert "WARNING" not in done.stderr
    return {path.relative_to(folder).as_posix(): _Page(path) for path in folder.rglob("*.html")}, folder


def _targets(pages, name):
    """Returns the local links of a page, as (page or file, anchor)."""
    found = []
    for link in pages[name].links:
        url = urllib.parse.urlsplit(link)
        if not url.scheme and not url.netloc:
            folder = pathlib.PurePosixPath(name).parent
            path = os.path.normpath(folder / urllib.parse.unquote(url.path)) if url.path else name
            found.append((path, urllib.parse.unquote(url.fragment)))
    return found


def test_every_public_name_is_reachable_from_the_start_page(site):
    pages, _ = site
    seen, ahead = set(), ["index.html"]
    while ahead:
        name = ahead.pop()
        if name in pages and name not in seen:
            seen.add(name)
            ahead += [path for path, _ in _targets(pages, name)]
    spec = importlib.util.spec_from_file_location("hooks", ROOT / "docs" / "hooks.py")
    hooks = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(hooks)
    public = hooks.public()
    assert len(public) > 10
    for family, names in public.items():
        for name in names:
            path = hooks.page(family, name).removesuffix(".md") + ".html"
            assert path in seen, path
            assert hooks.identifier(family, name) in pages[path].anchors, path
    assert set(pages) - seen <= {"404.html"}


def test_every_local_link_works(site):
    pages, folder = site
    for name in set(pages) - {"404.html"}:
        for path, anchor in _targets(pages, name):
            assert (folder / path).is_file(), f"{name}: {path}"
            assert not anchor or path not in pages or anchor in pages[path].anchors, f"{name}: {path}#{anchor}"


def test_nothing_comes_from_the_network(site):
    pages, folder = site
    for name in set(pages) - {"404.html"}:
        for resource in pages[name].resources:
            url = urllib.parse.urlsplit(resource)
            assert url.scheme == "data" or (not url.scheme and not url.netloc), f"{name}: {resource}"
            path = folder / pathlib.PurePosixPath(name).parent / urllib.parse.unquote(url.path)
            assert url.scheme or path.exists(), f"{name}: {resource}"


def test_equations_are_there_without_a_script(site):
    _, folder = site
    text = (folder / "guides" / "weighting.html").read_text(encoding="utf-8")
    assert text.count("<math") >= 10
    assert "arithmatex" not in text


@pytest.mark.parametrize("name", ["quickstart", "soft_sharing", "choosing_a_weighting"])
def test_notebook_shows_its_outputs(site, name):
    pages, _ = site
    assert any(resource.startswith("data:image/png") for resource in pages[f"notebooks/{name}.html"].resources)


def test_arguments_of_a_call_are_a_list_as_the_parameters_are(site):
    _, folder = site
    texts = [path.read_text(encoding="utf-8") for path in (folder / "reference").rglob("*.html")]
    assert sum("Call arguments:" in text for text in texts) > 20
    assert not any('class="call-arguments"' in text for text in texts)
