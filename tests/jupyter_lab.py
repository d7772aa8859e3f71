"""Do exercises in a real JupyterLab, by keyboard, as a student does."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

START = 60  # seconds that JupyterLab or a kernel may take on a loaded machine


@contextmanager
def jupyter_lab(folder, **environment):
    """Serve a folder with JupyterLab; gives its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    command += [f"--ServerApp.port={port}", f"--ServerApp.root_dir={folder}"]
    command += ["--IdentityProvider.token=", "--LabApp.news_url=None"]
    command += ["--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    settings = {
        "JUPYTER_CONFIG_DIR": f"{folder}/.config",  # nobody's own settings
        "JUPYTERLAB_SETTINGS_DIR": f"{folder}/.config/lab",
        "JUPYTERLAB_WORKSPACES_DIR": f"{folder}/.config/workspaces",
        "OMP_NUM_THREADS": "1",
    }
    with (Path(folder) / "lab.log").open("w") as log:
        server = subprocess.Popen(
            command, env=os.environ | settings | environment, stdout=log, stderr=log
        )
    try:
        _wait_for(address, server)
        yield address
    finally:
        server.terminate()
        server.wait(START)


def _wait_for(address, server):
    end = time.monotonic() + START
    while time.monotonic() < end and server.poll() is None:
        try:
            urllib.request.urlopen(f"{address}/api", timeout=2).read()
            return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError("JupyterLab did not start; its log is in lab.log")


class Notebook:
    """An open notebook: cells are counted from 0, as they stand in the page."""

    def __init__(self, page, address, name):
        self.page = page
        self.open(address, name)
        page.locator(".jp-Notebook").wait_for(timeout=START * 1000)
        self.wait_for_kernel()
        page.locator(".jp-Notebook .jp-Cell").first.click()
        page.keyboard.press("Escape")
        self.at = 0

    def open(self, address, name):
        """Go to it by its address."""
        self.page.goto(f"{address}/lab/tree/{name}")

    def wait_for_kernel(self):
        """Until the kernel waits for work."""
        # the notebook's own sign says so before the kernel is there
        self.page.locator("#jp-main-statusbar", has_text="| Idle").wait_for(timeout=START * 1000)

    def go_to(self, cell):
        """Make a cell the active one, with the arrow keys."""
        key = "j" if cell > self.at else "k"
        for _ in range(abs(cell - self.at)):
            self.page.keyboard.press(key)
        self.at = cell

    def type_into(self, cell, code):
        """Replace the text of a cell."""
        self.go_to(cell)
        keyboard = self.page.keyboard
        keyboard.press("Enter")
        keyboard.press("Control+A")
        keyboard.press("Delete")
        keyboard.insert_text(code)
        keyboard.press("Escape")

    def run(self, cell):
        """Run a cell and return the text of its output."""
        self.go_to(cell)
        before = self.count(cell)
        self.page.keyboard.press("Control+Enter")
        self.page.wait_for_function(
            """before => {
                const prompt = document.querySelector(
                    ".jp-Notebook .jp-Cell.jp-mod-active .jp-InputPrompt");
                const text = prompt ? prompt.textContent : "";
                return /\\d/.test(text) && text !== before;
            }""",
            arg=before,
            timeout=START * 1000,
        )
        outputs = self.page.locator(".jp-Notebook .jp-Cell.jp-mod-active .jp-OutputArea-output")
        return "\n".join(outputs.all_inner_texts())

    def count(self, cell):
        """The prompt of a cell, such as ``[3]:``."""
        self.go_to(cell)
        return self.page.locator(
            ".jp-Notebook .jp-Cell.jp-mod-active .jp-InputPrompt"
        ).first.text_content()

    def restart(self):
        """Restart the kernel and clear all outputs, from the menu."""
        self.page.get_by_role("menuitem", name="Kernel", exact=True).click()
        self.page.get_by_role("menuitem", name="Restart Kernel and Clear Outputs").click()
        self.page.locator(".jp-Dialog button.jp-mod-accept").click()
        self.page.locator(".jp-Dialog").wait_for(state="detached")
        self.wait_for_kernel()
