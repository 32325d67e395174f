"""A real Chromium for the page's tests, and what they ask of it."""

import importlib.util
import os
import shutil
from pathlib import Path

CHROMIUM = os.environ.get("TXPIPE_CHROMIUM") or shutil.which("chromium")
if importlib.util.find_spec("playwright") is None:
    CHROMIUM = None
_AXE = Path(__file__).parent / "nodes" / "node_modules" / "axe-core" / "axe.min.js"
if not _AXE.is_file():
    CHROMIUM = None

_ARRIVALS = """
(sought) => {
  window.arrivals = {};
  const look = () => {
    for (const link of document.querySelectorAll(".grid a.title")) {
      if (sought.includes(link.textContent)) window.arrivals[link.textContent] ??= Date.now() / 1000;
    }
  };
  new MutationObserver(look).observe(document.querySelector(".grid"),
    {childList: true, subtree: true, characterData: true});
}
"""
SPY = """
window.told = [];
window.tones = 0;
window.Notification = new Proxy(window.Notification, {
  construct(target, args) {
    window.told.push(`${args[0]} | ${args[1].body}`);
    return new target(...args);
  },
});
const made = AudioContext.prototype.createOscillator;
AudioContext.prototype.createOscillator = function () {
  window.tones += 1;
  return made.call(this);
};
"""
"""Notes desktop notifications and tones, which are made all the same."""
_SERIOUS = """
async () => {
  const found = await axe.run(document, {resultTypes: ["violations"]});
  return found.violations.filter((each) => ["serious", "critical"].includes(each.impact))
    .map((each) => `${each.id}: ${each.help}: ${each.nodes.map((node) => node.html).join(" ")}`);
}
"""


class Browser:
    """A Chromium without a window; use it in a ``with``."""

    def __enter__(self):
        from playwright.sync_api import sync_playwright  # noqa: PLC0415 - it may be absent

        self._playwright = sync_playwright().start()
        self._chromium = self._playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        return self

    def __exit__(self, *_):
        self._chromium.close()
        self._playwright.stop()

    def visit(
        self,
        url,
        width=1280,
        height=800,
        scheme="light",
        wait=".ag-row, #note, .verdict, form",
        permissions=(),
        script="",
    ):
        """Open a page of its own context; wait until there is something on it."""
        context = self._chromium.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, service_workers="block"
        )
        context.set_default_timeout(20_000)
        context.grant_permissions(list(permissions))
        context.add_init_script(script)
        page = context.new_page()
        page.asked = []
        page.faults = []
        page.on("request", lambda request: page.asked.append(request.url))
        page.on("pageerror", lambda error: page.faults.append(str(error)))
        page.on("console", lambda said: said.type == "error" and page.faults.append(said.text))
        page.goto(url)
        page.wait_for_selector(wait)
        return page


def titles(page):
    """The titles in the table, the newest first."""
    return page.locator(".grid a.title").all_text_contents()


def watch_arrivals(page, sought):
    """Note when each of some titles comes into the table."""
    page.evaluate(_ARRIVALS, sought)


def arrivals(page):
    """When each of them came, in Unix seconds."""
    return page.evaluate("() => window.arrivals")


def serious_faults(page):
    """What axe calls serious or worse (https://github.com/dequelabs/axe-core, its rules for WCAG)."""
    page.evaluate(_AXE.read_text(encoding="utf-8") + "; 0")
    return page.evaluate(_SERIOUS)
