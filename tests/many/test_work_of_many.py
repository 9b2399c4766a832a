"""Members are handed out so that all cores are busy to the end."""

import pytest

from fastbp.engine.work import FLOP_PER_THREAD
from fastbp.many.job import Job
from fastbp.many.work import MIN_ALIKE, Waiting, cost, in_order


def jobs_of(*sizes, step_flop=10.0):
    return [Job(i, None, flop=float(size), step_flop=step_flop) for i, size in enumerate(sizes)]


def taken(waiting):
    found = []
    while (some := waiting.take()) is not None:
        found.append((some.kind, [job.index for job in some.jobs]))
    return found


def test_longest_first():
    apart, together = in_order(jobs_of(1e10, 3e10, 2e10, 3e10), 2)
    assert [job.index for job in apart] == [1, 3, 2, 0]
    assert together == []


LARGE = 4 * FLOP_PER_THREAD


@pytest.mark.parametrize(
    ("sizes", "step_flop", "threads", "together"),
    [
        ([9e10, 1e10, 1e10], LARGE, 2, [0]),  # which would keep one core busy alone
        ([9e10, 1e10, 1e10], 10.0, 2, []),  # no step of it is work for two
        ([5e10, 5e10, 5e10], LARGE, 2, [0]),  # two side by side, and the third on both
        ([5e10] * 4, LARGE, 2, []),
        ([5e10] * 4, LARGE, 1, []),
        ([5e10], LARGE, 2, [0]),
    ],
)
def test_the_largest_on_several_threads(sizes, step_flop, threads, together, monkeypatch):
    monkeypatch.setattr("fastbp.engine.work.get_num_threads", lambda: 2)
    assert [job.index for job in in_order(jobs_of(*sizes, step_flop=step_flop), threads)[1]] == together


def test_many_of_a_kind_go_together_and_ever_fewer():
    ordered = jobs_of(*[1e6] * 1000, step_flop=1e6)
    found = taken(Waiting(ordered, dict.fromkeys(range(1000), "kind"), 2))
    assert [index for _, jobs in found for index in jobs] == list(range(1000))
    assert {kind for kind, _ in found} == {"kind"}
    lengths = [len(jobs) for _, jobs in found]
    assert lengths[0] > 10 and lengths[-1] == 1
    assert lengths == sorted(lengths, reverse=True)


def test_few_of_a_kind_go_by_themselves():
    kinds = {i: "few" for i in range(MIN_ALIKE - 1)} | {9: "many", 10: "many", 11: "many", 12: "many"}
    ordered = jobs_of(*[5e8] * 13)
    found = taken(Waiting(ordered, kinds, 2))
    assert sorted(index for _, jobs in found for index in jobs) == list(range(13))
    assert {index for kind, jobs in found if kind == "many" for index in jobs} == {9, 10, 11, 12}
    assert all(len(jobs) == 1 for kind, jobs in found if kind is None)


def test_what_nobody_has_taken():
    waiting = Waiting(jobs_of(5e8, 4e8, 3e8), {}, 2)
    first = waiting.take()
    assert [job.index for job in first.jobs] == [0]
    assert [job.index for job in waiting.rest()] == [1, 2]


def test_steps_and_members_are_work_too():
    many_steps, few_steps = Job(0, None, epochs=10, flop=1e6, step_flop=1e3), Job(1, None, epochs=10, flop=1e6, step_flop=1e5)
    assert cost(many_steps) > cost(few_steps) > 1e6
