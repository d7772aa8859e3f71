"""Say what `make pdf` lacks on this machine, before it starts.

It uses nothing but the standard library, so that it can run before there is an environment.

usage: python tools/latex_packages.py           stop with a list of what to install, if any
       python tools/latex_packages.py --list    print all the packages of Debian that it takes
"""

import shutil
import subprocess
import sys

PROGRAMS = {"lualatex": "texlive-luatex", "latexmk": "latexmk", "rsvg-convert": "librsvg2-bin"}
STYLES = {
    "fontspec.sty": "texlive-latex-extra",
    "unicode-math.sty": "texlive-latex-extra",
    "titlesec.sty": "texlive-latex-extra",
    "texgyrepagella-regular.otf": "fonts-texgyre",
    "texgyrepagella-math.otf": "fonts-texgyre-math",
}
FONTS = {"DejaVu Sans": "fonts-dejavu", "DejaVu Sans Mono": "fonts-dejavu"}


def answer(*command: str) -> str:
    """What a program prints, or nothing where it is missing."""
    if shutil.which(command[0]) is None:
        return ""
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def missing() -> dict[str, str]:
    """Each program, style or font that is not there, with the Debian package that has it."""
    lacking = {name: package for name, package in PROGRAMS.items() if not shutil.which(name)}
    lacking |= {n: package for n, package in STYLES.items() if not answer("kpsewhich", n)}
    lacking |= {n: package for n, package in FONTS.items() if not answer("fc-list", n)}
    return lacking


def main() -> None:
    """Print the packages, or stop with a list of what to install, if anything is missing."""
    if sys.argv[1:] == ["--list"]:
        print(*sorted({*PROGRAMS.values(), *STYLES.values(), *FONTS.values()}))
        return
    if lacking := missing():
        packages = " ".join(sorted(set(lacking.values())))
        sys.exit(
            f"make pdf needs LuaLaTeX and its fonts; not found: {', '.join(lacking)}\n"
            f"On Debian or Ubuntu: sudo apt-get install --no-install-recommends {packages}\n"
            "Elsewhere: TeX Live with these packages, librsvg, and the DejaVu fonts."
        )


if __name__ == "__main__":
    main()
