"""What a what-if says in words: decisions that differ, how good the model is, how to read it."""

from typing import Final

from evenflow.simulator.html.page import Section, Table
from evenflow.simulator.html.words import wait_word
from evenflow.simulator.replay.report.terminal import in_words, instant
from evenflow.simulator.replay.what_if.compare import Comparison
from evenflow.simulator.replay.what_if.what_if import WhatIf

_CYCLES: Final = 25  # that are listed


def decision_section(found: WhatIf) -> Section:
    """Return which recorded cycles would have decided otherwise."""
    title = "Decisions that hang on these rules"
    return Section(title, [_decision_table(found)], _decisions(found))


def model_section(numbers: Comparison) -> Section:
    """Return how far the model is from what happened."""
    return Section(
        "How good the model is",
        [_model_table(numbers)],
        "The model run by the recorded rules should give what happened. Compare the new rules with "
        "it, not with the record: what the model leaves out is then left out on both sides.",
    )


def _decisions(found: WhatIf) -> str:
    differing = found.decisions.differences
    acts = sum(each.changes_actions for each in differing)
    return (
        f"Of {found.decisions.cycles:,} recorded cycles, given what each saw, {acts:,} would have "
        f"started or stopped other jobs; {len(differing) - acts:,} more would only have given "
        "other reasons for waiting."
    )


def _decision_table(found: WhatIf) -> Table:
    acts = [each for each in found.decisions.differences if each.changes_actions]
    rows = []
    for each in acts[:_CYCLES]:
        changes = [change for change in each.changes() if change[0] != "reasons"]
        part, job_id, before, after = changes[0]
        more = f" (and {len(changes) - 1} more)" if len(changes) > 1 else ""
        rows.append(
            (
                f"{each.sequence}",
                instant(each.at).removesuffix(" UTC"),
                f"{part[:-1]} of {_job_name(found, job_id)}{more}"
                if job_id
                else f"order of {part}",
                in_words(before) if job_id else "",
                in_words(after) if job_id else "",
            )
        )
    return Table(
        f"The first {len(rows)} of {len(acts):,}" if len(acts) > len(rows) else "All of them",
        ("sequence", "when", "what", "recorded", "by the new rules"),
        rows or [("none", "", "", "", "")],
        texts=5,
    )


def _job_name(found: WhatIf, job_id: str) -> str:
    known = found.history.outcome.jobs.get(job_id)
    return known.spec.name if known is not None else job_id


def _model_table(numbers: Comparison) -> Table:
    model = numbers.model
    return Table(
        "Waits of the jobs that started in the record",
        ("jobs", "mean, recorded", "mean, modelled", "mean distance of single jobs"),
        [
            (
                f"{model.jobs:,}",
                wait_word(model.recorded_mean),
                wait_word(model.modelled_mean),
                wait_word(model.mean_distance),
            )
        ],
        texts=0,
    )


def notes_of(found: WhatIf) -> list[str]:
    """Return what a reader has to know."""
    guessed, carried = len(found.times.guessed), len(found.history.carried)
    notes = [
        (
            "In the model starting and stopping take no time. A job that failed is not tried "
            "again; it runs as long as its last attempt did."
        ),
        "A job that is stopped runs again from its beginning.",
        "Utilisation is of the stretch in which the record has jobs, whatever runs on after it.",
    ]
    if guessed:
        notes.append(
            f"{guessed:,} jobs did not end by themselves in this past. They run as long as jobs "
            "like them did on average, or as they were estimated, and at least as long as they had."
        )
    if carried:
        notes.append(
            f"{carried:,} jobs were there when this past begins. They are put in again at its "
            "beginning, and their waits are not counted. Usage from before it is in neither model."
        )
    if found.numbers.only_modelled or found.numbers.only_other:
        notes.append(
            f"{found.numbers.only_modelled:,} jobs start only by the recorded rules, and "
            f"{found.numbers.only_other:,} only by the new ones: they are in no comparison."
        )
    return notes
