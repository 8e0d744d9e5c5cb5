"""Take the pictures of the documentation from the product itself: docs/pictures/*.png.

    python tools/make_pictures.py [--out FOLDER]

A round is proposed from the bundled cities, a service is started with a store of its own, and a headless Chromium
walks through the workbench as a coordinator would. Needs Chromium (Debian: apt-get install chromium) and the extras
"web" and "dev".
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

from browser_for_tests import running

WIDE, HIGH = 1200, 900
TABLE = """id,name,country,roles,population,needs,challenges
de-alta,Alta,DE,guest,fifty thousand,Heat networks for old towns.,energy_systems:3
fr-belle,Belle,FR,guest,80000,Trams and cycle lanes.,mobility_transport:3
"""


class Camera:
    """Takes pictures of a page into a folder."""

    def __init__(self, page: Any, folder: Path) -> None:
        self.page, self._folder = page, folder

    def take(self, name: str, of: str = "", high: int = HIGH) -> None:
        """Take the first ``high`` pixels of the page, or of what stands at a selector."""
        self.page.wait_for_load_state("networkidle")
        place = self._folder / f"{name}.png"
        box = self.page.locator(of).first.bounding_box() if of else None
        top = 0.0 if box is None else self.page.evaluate("window.scrollY") + box["y"] - 12
        whole = self.page.evaluate("document.documentElement.scrollHeight")
        clip = {"x": 0, "y": top, "width": WIDE, "height": min(high, whole - top)}
        self.page.screenshot(path=place, full_page=True, clip=clip, animations="disabled")
        print(f"{place.name}: {place.stat().st_size / 1000:.0f} kB")


def report(camera: Camera, out: Path) -> None:
    """Take the first page of the report of a whole round."""
    command = [sys.executable, "-m", "twinmatch", "propose", "--out", str(out)]
    subprocess.run(command, check=True, capture_output=True)
    camera.page.goto((out / "report.html").as_uri())
    camera.take("report")


def cities(camera: Camera, service: str) -> None:
    """Take the list, a city, a pair, and an upload with a problem."""
    page = camera.page
    for name, path in (
        ("cities", "cities"),
        ("city", "cities/be-leuven"),
        ("pair", "cities/be-leuven/with/it-milan"),
        ("proposals", "proposals"),
        ("api", "api"),
    ):
        page.goto(f"{service}/workbench/{path}")
        camera.take(name)


def intake(camera: Camera, service: str, folder: Path) -> None:
    """Take an upload whose problem stands at its cell."""
    table = folder / "round.csv"
    table.write_text(TABLE, encoding="utf-8")
    page = camera.page
    page.goto(f"{service}/workbench/intake")
    page.get_by_label("A table of profiles").set_input_files(table)
    page.get_by_role("button", name="Hand in and check").click()
    page.locator("td.marked.error").wait_for()
    camera.take("intake")


def proposal(camera: Camera, service: str) -> str:
    """Ask for a round and return its address."""
    page = camera.page
    page.goto(f"{service}/workbench/proposals")
    page.get_by_label("Title").fill("Spring round")
    page.get_by_label("Twinning", exact=True).check()
    page.get_by_role("button", name="Propose").click()
    page.get_by_role("heading", name="At a glance").wait_for(timeout=120_000)
    address: str = page.url.partition("?")[0]
    return address


def decisions(camera: Camera, first: str) -> None:
    """Take the pairs, why not, prices, a repair, the history, the map, and two proposals side by side."""
    page = camera.page
    page.goto(f"{first}?tab=twinning")
    page.get_by_role("button", name="Accept").first.click()
    page.get_by_role("button", name="Lock").nth(1).click()
    row = page.locator("table.meetings tbody tr").nth(2)
    row.locator("summary", has_text="Consent").click()
    row.get_by_role("button", name="declines").click()
    page.locator("table.meetings tbody tr").first.locator("summary", has_text="Account").click()
    page.locator("table.meetings svg.picture").first.wait_for()
    camera.take("twinning", high=1400)
    for tab in ("map", "left-out", "history"):
        page.goto(f"{first}?tab={tab}")
        camera.take(tab)
    page.goto(first)
    camera.take("overview")
    page.get_by_label("Guest").select_option("de-cologne")
    page.get_by_label("Host", exact=True).select_option("fi-lahti")
    page.get_by_role("button", name="Why not?").click()
    page.locator("#why-not .notice").wait_for()
    camera.take("why-not", "#why-not-title")
    page.get_by_role("button", name="Price every rule").click()
    page.locator("#prices .notice").wait_for()
    camera.take("prices", "#prices-title")
    page.get_by_role("button", name="What can be offered?").click()
    page.locator("#repair section").first.wait_for()
    camera.take("repair", "#repair-title")
    page.get_by_role("button", name="Solve again under these decisions").click()
    page.get_by_role("heading", name="At a glance").wait_for(timeout=120_000)
    page.get_by_role("button", name="Compare", exact=True).click()
    page.get_by_role("heading", name="Side by side").wait_for()
    camera.take("compare")


def main() -> None:
    """Take every picture."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "pictures")
    asked = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("There is no Chromium here: apt-get install chromium")
    asked.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name, sync_playwright() as player:
        folder = Path(name)
        browser = player.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        camera = Camera(browser.new_page(viewport={"width": WIDE, "height": HIGH}), asked.out)
        report(camera, folder / "round")
        with running(folder) as service:
            cities(camera, service)
            intake(camera, service, folder)
            decisions(camera, proposal(camera, service))
        browser.close()


if __name__ == "__main__":
    main()
