"""Commands that try things out, on simulated viewers and on public splits; no night needs them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from foryou import screen, settings, told


def _settings_files(names: list[str]) -> list[str]:
    for path in map(settings.file_of, names):
        if not os.path.isfile(path):  # noqa: PTH113 - False too for what can be no path
            known = ", ".join(settings.named())
            raise typer.BadParameter(f"there is no file {str(path)[:200]}; by name alone there are {known}")
    return names


ConfOption = Annotated[
    list[str], typer.Option("--conf", callback=_settings_files, help="A settings file over conf/base.yaml; may repeat.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document instead of words.")]


def simulate(
    nights: Annotated[int, typer.Option(min=1, help="Nights of each arm, after the common past.")] = 10,
    seeds: Annotated[int, typer.Option(min=1, help="Runs of each world, with other people and videos.")] = 5,
    without: Annotated[list[str], typer.Option(help="A part to leave out in an arm of its own; may repeat.")] = [],  # noqa: B006
    worlds: Annotated[str, typer.Option(help="dev, judge, neutral, or one world by its name.")] = "dev",
    conf: ConfOption = [],  # noqa: B006
    out: Annotated[Path, typer.Option(help="The folder for the page with the plots.")] = Path("simulations"),
    json: JsonOption = False,
) -> None:
    """Lets synthetic viewers answer the feeds, night after night, beside popularity, chance and an oracle."""
    from foryou.simulation import page, shown, simulate

    with told.errors(json):
        try:
            planned = simulate.plan(worlds, nights, without, settings.load(*conf))
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error
        beside = screen.beside if json else screen.console
        result = simulate.run(planned, seeds, lambda text: beside.print(f"  [dim]{text}[/]"))
        written = page.write(result, out / f"{worlds}.html")
    if json:
        screen.as_json(result | {"page": written})
    else:
        shown.results(result)
        screen.console.print(f"Plots: {written}")


def benchmark(
    train: Annotated[Path, typer.Option(help="CSV of user,item[,time]: what is learned from.")],
    valid: Annotated[Path, typer.Option(help="CSV of the same form: what settings and sources are chosen by.")],
    test: Annotated[Path, typer.Option(help="CSV of the same form: what is judged, and nothing else.")],
    item_vectors: Annotated[
        list[Path], typer.Option(help="A .npy file with a row for every item, 0, 1, 2, ...; may repeat.")
    ] = [],  # noqa: B006
    k: Annotated[int, typer.Option("--k", "-k", min=1, max=40, help="Places that are judged.")] = 20,
    json: JsonOption = False,
) -> None:
    """Runs the sources and their blend on a public split: recall and NDCG with all items ranked.

    A header is known by user and item in it, in any order; without one the columns are user, item and time. Ids may be
    any words; where all users, or all items, of the three files are whole numbers, they are numbers: 007 is 7.
    """
    from foryou.evaluation import benchmark as whole
    from foryou.evaluation import public_split, shown

    with told.errors(json):
        beside = screen.beside if json else screen.console
        split = public_split.read(train, valid, test, item_vectors)
        result = whole.run(split, k, lambda text: beside.print(f"  {text}", style="dim", markup=False))
        if json:
            screen.as_json(whole.as_json(result, k))
        else:
            screen.console.print(shown.benchmark(result, k))
            for note in result.notes:
                screen.console.print(f"  {note}", markup=False)
