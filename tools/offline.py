"""Pack the built pages into one zip that a reader unpacks and opens by double-click.

`_build/autoencoders-html.zip` holds one folder, `autoencoders/`, with `index.html` at its top: the
pages, and what they, their style sheet or their scripts name. What the theme has for other books
stays out. The same pages give the same bytes.

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
UNREACHED = {"genindex.html", "py-modindex.html"}
NAMED = re.compile(r"""(?:href|src)="([^"#]+)|url\(['"]?([^'")]+)""")


def named(file: Path) -> set[Path]:
    """The files that a page or a style sheet names, and that are there."""
    targets = set()
    for groups in NAMED.findall(file.read_text(encoding="utf-8")):
        url = urlsplit("".join(groups))
        if not url.scheme:
            targets.add((file.parent / unquote(url.path)).resolve())
    return {target for target in targets if target.is_file()}


def wanted(folder: Path) -> list[Path]:
    """What a reader of the pages needs, sorted."""
    folder = folder.resolve()
    found, new = set(), set()
    for page in folder.rglob("*.html"):
        if page.name not in UNREACHED and page.relative_to(folder).parts[0] != "_static":
            new.add(page)
    while new:
        found |= new
        readable = {file for file in new if file.suffix in (".html", ".css")}
        new = set().union(*map(named, readable)) - found
    return sorted(found)


def pack(folder: Path, target: Path) -> None:
    """Write the zip."""
    if not (folder / "index.html").exists():
        sys.exit(f"expected the built pages in {folder}; there are none: run `make book`")
    part = target.with_suffix(".part")
    folder = folder.resolve()
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
