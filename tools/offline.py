"""Pack the built pages into one zip that a reader unpacks and opens by double-click.

`_build/autoencoders-html.zip` holds one folder, `autoencoders/`, with `index.html` at its top. Left
out is what no page leads to: source maps, translations of Sphinx's own words, files for other
builds. The same pages give the same bytes.

usage: python tools/offline.py
"""

import re
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

ROOT = Path(__file__).resolve().parent.parent
HTML = ROOT / "_build" / "html"
ZIP = ROOT / "_build" / "autoencoders-html.zip"
UNUSED = {".map", ".po", ".mo", ".inv", ".buildinfo", ".ttf"}  # browsers take the .woff2 beside it
# Sphinx copies into these whatever a page may offer
OFFERED = {"_sources", "_downloads", "_images"}
UNREACHED = {"genindex.html", "py-modindex.html", "sbt-webpack-macros.html", "webpack-macros.html"}


def linked(folder: Path) -> set[Path]:
    """The files that some page links to or shows."""
    targets = set()
    for page in folder.rglob("*.html"):
        for address in re.findall(r'(?:href|src)="([^"#]+)', page.read_text(encoding="utf-8")):
            url = urlsplit(address)
            if not url.scheme:
                targets.add((page.parent / unquote(url.path)).resolve())
    return targets


def wanted(folder: Path) -> list[Path]:
    """What a reader of the pages needs, sorted."""
    targets = linked(folder)
    files = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        top = path.relative_to(folder).parts[0]
        if {path.suffix, path.name} & (UNUSED | UNREACHED):
            continue
        if top in OFFERED and path.resolve() not in targets:
            continue
        files.append(path)
    return files


def pack(folder: Path, target: Path) -> None:
    """Write the zip."""
    if not (folder / "index.html").exists():
        sys.exit(f"expected the built pages in {folder}; there are none: run `make book`")
    part = target.with_suffix(".part")
    with ZipFile(part, "w", ZIP_DEFLATED, compresslevel=9) as archive:
        for path in wanted(folder):
            name = f"autoencoders/{path.relative_to(folder).as_posix()}"
            entry = ZipInfo(name)  # its date is 1980, whenever the page was built
            entry.external_attr = 0o644 << 16
            entry.compress_type = ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())
    part.replace(target)


def main() -> None:
    """Pack the book."""
    pack(HTML, ZIP)
    print(f"── the book in one file: {ZIP} ({ZIP.stat().st_size / 1e6:.1f} MB)")


if __name__ == "__main__":
    main()
