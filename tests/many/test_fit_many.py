"""Each of many models ends up as its own fit would have left it, to the last bit."""

import copy
import pickle
import threading

import numpy as np
import pytest

import fastbp as bp
from fastbp.callbacks import EarlyStopping, LambdaCallback, ReduceLROnPlateau, TerminateOnNaN
from fastbp.many import checks, kinds, local
from many_members import LABELS, WEIGHTS, X, Y, assert_same, made, named, ratio, state

KINDS = [
    {},
    {"dtype": "float64"},
    {"layers": "deep", "optimizer": "sgd"},
    {"layers": "formula", "optimizer": "momentum"},
    {"loss": ratio, "optimizer": "nadam"},
    {"loss": "huber", "optimizer": "schedule"},
    {"layers": "noise", "optimizer": "adagrad"},
    {"layers": "norms", "optimizer": "clipped"},
    {"layers": "rules", "optimizer": "added"},
    {"layers": "frozen"},
    {"layers": "logits", "optimizer": "clipped", "dtype": "float64"},
]
OTHERS = [{"optimizer": "averaged"}, {"metrics": ["mae"]}, {"feedback": "alignment"}]  # which Python has to look after


def several(count=4, **case):
    """Models of one kind, with other seeds and rates."""
    return [made(seed=i, rate=0.005 * (i + 1), **case) for i in range(count)]


def trained_alone(models, x=X, y=Y, **settings):
    for i, model in enumerate(models):
        own = {name: value[i] if isinstance(value, list) else value for name, value in settings.items()}
        rows = own.pop("rows", None)
        data = (x, y) if rows is None else (x[rows], y[rows])
        model.fit(*data, verbose=0, threads=1, **own)
    return models


def goes_through_one_plan(models, x=X, y=Y, **settings):
    jobs, forms = checks.make_jobs(models, x, y, **settings)
    found = [kinds.kind_of(job, forms) for job in jobs]
    return found[0] is not None and len(set(found)) == 1


@pytest.mark.parametrize("threads", [1, 2])
def test_models_of_all_kinds_at_once(threads):
    cases = [*KINDS, *OTHERS]
    models = [model for case in cases for model in several(**case)]
    members = bp.fit_many(models, X, Y, epochs=3, batch_size=16, verbose=0, threads=threads)
    alone = trained_alone([model for case in cases for model in several(**case)], epochs=3, batch_size=16)
    for member, model in zip(members, alone, strict=True):
        assert_same(member, model)


@pytest.mark.parametrize("case", KINDS, ids=named)
def test_a_kind_goes_through_one_plan(case):
    assert goes_through_one_plan(several(**case))


@pytest.mark.parametrize("case", OTHERS, ids=named)
def test_others_have_a_fit_of_their_own(case):
    assert not goes_through_one_plan(several(**case))


@pytest.mark.parametrize("case", [{}, {"layers": "noise"}, {"layers": "norms", "optimizer": "added"}], ids=named)
def test_they_go_on_as_they_would_alone(case):
    """By fit_many again, by their own fit, and as copies."""
    models, alone = several(**case), several(**case)
    bp.fit_many(models, X, Y, epochs=2, batch_size=16, verbose=0)
    copies = [copy.deepcopy(models[0]), pickle.loads(pickle.dumps(models[1]))] if case.get("layers") != "formula" else []
    members = bp.fit_many(models, X, Y, epochs=3, batch_size=16, verbose=0)
    for model in alone:
        model.fit(X, Y, epochs=2, batch_size=16, verbose=0)
    for found, expected in zip(copies, alone, strict=False):
        assert state(found) == state(expected)
    for model, member in zip(trained_alone(alone, epochs=3, batch_size=16), members, strict=True):
        assert_same(member, model)
    for model, expected in zip(models, alone, strict=True):
        np.testing.assert_array_equal(model.predict(X, verbose=0), expected.predict(X, verbose=0))
        model.fit(X, Y, verbose=0)
        expected.fit(X, Y, verbose=0)
        assert state(model) == state(expected)


ROWS = [np.random.default_rng(i).integers(0, 70, n) for i, n in enumerate((70, 33, 16, 100))]


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("case", [{}, {"metrics": ["mae"]}], ids=named)
def test_rows(case, shuffle):
    """Of a bootstrap or a fold, with weights of samples: those of the rows taken."""
    settings = {"epochs": [3, 2, 1, 4], "batch_size": [16, 16, 16, 7], "shuffle": shuffle}
    members = bp.fit_many(several(**case), X, Y, rows=ROWS, sample_weight=WEIGHTS, verbose=0, **settings)
    weights = [WEIGHTS[rows] for rows in ROWS]
    alone = trained_alone(several(**case), rows=ROWS, sample_weight=weights, **settings)
    for member, model in zip(members, alone, strict=True):
        assert_same(member, model)


def test_rows_as_masks_and_none():
    rows = [X[:, 0] > 0, None, list(range(0, 70, 2)), range(5, 30)]
    members = bp.fit_many(several(), X, Y, rows=rows, epochs=2, verbose=0)
    for member, own, model in zip(members, rows, several(), strict=True):
        taken = slice(None) if own is None else own if isinstance(own, np.ndarray) else list(own)
        model.fit(X[taken], Y[taken], epochs=2, verbose=0)
        assert_same(member, model)


def test_data_of_their_own():
    """Ready to be used where it is, to be converted first, and shared."""
    data = [(X[:40], Y[:40]), (X[:30].tolist(), Y[:30].ravel()), None, (X[::2], Y[::2], WEIGHTS[::2])]
    members = bp.fit_many(several(), X, Y, data=data, epochs=2, verbose=0)
    for member, own, model in zip(members, data, several(), strict=True):
        x, y, *weight = own or (X, Y)
        model.fit(x, y, epochs=2, verbose=0, sample_weight=weight[0] if weight else None)
        assert_same(member, model)
    only = bp.fit_many(several(2), data=[(X, Y), (X[:9], Y[:9])], epochs=2, verbose=0)
    for member, model in zip(only, trained_alone(several(2), rows=[np.arange(70), np.arange(9)], epochs=2), strict=True):
        assert_same(member, model)


def test_weights_of_samples_for_each():
    weights = [WEIGHTS, None, WEIGHTS[::-1], np.ones(70)]
    members = bp.fit_many(several(), X, Y, sample_weight=weights, epochs=2, verbose=0)
    for member, model in zip(members, trained_alone(several(), sample_weight=weights, epochs=2), strict=True):
        assert_same(member, model)


def test_labels_and_weights_of_classes():
    settings = {"epochs": 2, "batch_size": 10}
    for class_weight in (None, "balanced"):
        members = bp.fit_many(several(layers="classes"), X, LABELS, class_weight=class_weight, verbose=0, **settings)
        alone = several(layers="classes")
        for model in alone:
            model.fit(X, LABELS, class_weight=class_weight, verbose=0, **settings)
        for member, model in zip(members, alone, strict=True):
            assert_same(member, model)


# -- validation, and callbacks


@pytest.mark.parametrize("stops", [False, True])
@pytest.mark.parametrize("case", [{}, {"layers": "norms"}, {"layers": "rules"}, {"metrics": ["mae"]}], ids=named)
def test_validation(case, stops):
    """A part of the rows, data, and rows of the data, all at once; with callbacks that stop early."""
    held_out = np.arange(3, 70, 3)
    validation = [0.2, (X[:20], Y[:20]), held_out, (X[:20], Y[:20], WEIGHTS[:20])]
    callbacks = EarlyStopping(patience=1, min_delta=1e-3, restore_best_weights=True) if stops else None
    rows = [None, None, np.setdiff1d(np.arange(70), held_out), ROWS[0]]
    members = bp.fit_many(
        several(**case), X, Y, rows=rows, validation=validation, callbacks=callbacks, epochs=12, batch_size=16, verbose=0
    )
    whole = np.arange(70)
    for i, (member, model) in enumerate(zip(members, several(**case), strict=True)):
        taken = whole if rows[i] is None else rows[i]
        own = {"validation_split": 0.2} if i == 0 else {"validation_data": validation[i]}
        if i == 2:
            own = {"validation_data": (X[held_out], Y[held_out])}
        stopping = [copy.deepcopy(callbacks)] if stops else None
        model.fit(X[taken], Y[taken], epochs=12, batch_size=16, verbose=0, callbacks=stopping, **own)
        assert_same(member, model)
    if stops:
        assert len({len(member.history.epoch) for member in members}) > 1


@pytest.mark.parametrize(
    "settings",
    [
        {"monitor": "loss", "patience": 2, "min_delta": 0.01},
        {"monitor": "loss", "patience": 2, "baseline": 0.01, "restore_best_weights": True},
        {"monitor": "val_loss", "patience": 0, "start_from_epoch": 4},
        {"monitor": "val_loss", "patience": 3, "restore_best_weights": True, "mode": "min"},
    ],
    ids=named,
)
def test_a_callback_that_stops_early_is_as_its_fit_leaves_it(settings):
    own = [[EarlyStopping(**settings)] for _ in range(4)]
    assert goes_through_one_plan(several(), validation=0.3, callbacks=own)
    members = bp.fit_many(several(), X, Y, validation=0.3, callbacks=own, epochs=15, batch_size=16, verbose=0)
    for member, (found,), model in zip(members, own, several(), strict=True):
        stopping = EarlyStopping(**settings)
        model.fit(X, Y, validation_split=0.3, callbacks=[stopping], epochs=15, batch_size=16, verbose=0)
        assert_same(member, model)
        for name in ("wait", "stopped_epoch", "best", "best_epoch"):
            assert getattr(found, name) == getattr(stopping, name), name


def test_other_callbacks_are_copied_for_each():
    callbacks = [ReduceLROnPlateau("loss", patience=0, min_delta=1.0), EarlyStopping("loss", patience=3, min_delta=1.0)]
    models = several()
    members = bp.fit_many(models, X, Y, callbacks=callbacks, epochs=6, verbose=0)
    for member, model in zip(members, several(), strict=True):
        model.fit(X, Y, callbacks=copy.deepcopy(callbacks), epochs=6, verbose=0)
        assert_same(member, model)
        assert member.model.optimizer.learning_rate == model.optimizer.learning_rate
    assert callbacks[1].stopped_epoch == 0


# -- what goes wrong stops nobody


def test_a_model_that_diverges():
    models, alone = several(6), several(6)
    for i in (1, 4):
        for some in (models, alone):
            some[i].optimizer.learning_rate = 1e30
    members = bp.fit_many(models, X, Y, epochs=3, verbose=0)
    for i, (member, model) in enumerate(zip(members, alone, strict=True)):
        if i in (1, 4):
            with pytest.raises(bp.TrainingDiverged) as caught:
                model.fit(X, Y, epochs=3, verbose=0)
            assert type(member.error) is bp.TrainingDiverged
            assert str(member.error) == str(caught.value)
            assert member.history.history == model.history.history
            assert state(member.model) == state(model)
        else:
            model.fit(X, Y, epochs=3, verbose=0)
            assert_same(member, model)


def test_a_callback_that_raises():
    def complain(epoch, logs):
        raise OSError("the disk is full")

    callbacks = [[], [LambdaCallback(on_epoch_end=complain)], None, [TerminateOnNaN()]]
    members = bp.fit_many(several(), X, Y, callbacks=callbacks, epochs=2, verbose=0)
    assert [str(member.error) for member in members] == ["None", "the disk is full", "None", "None"]
    assert [len(member.history.epoch) for member in members] == [2, 1, 2, 2]


def test_a_model_that_another_thread_is_fitting():
    models, inside, leave = several(5), threading.Event(), threading.Event()

    def pause(epoch, logs):
        inside.set()
        leave.wait(60)

    own = {"epochs": 1, "verbose": 0, "callbacks": [LambdaCallback(on_epoch_end=pause)]}
    thread = threading.Thread(target=models[3].fit, args=(X, Y), kwargs=own, name="the fitter")
    thread.start()
    assert inside.wait(60)
    try:
        members = bp.fit_many(models, X, Y, epochs=2, verbose=0)
    finally:
        leave.set()
        thread.join()
    assert type(members[3].error) is RuntimeError and "'the fitter' is fitting" in str(members[3].error)
    for i, model in enumerate(several(5)):
        if i != 3:
            model.fit(X, Y, epochs=2, verbose=0)
            assert_same(members[i], model)


def test_an_initializer_that_raises():
    def none(shape, dtype=None):
        raise OSError("no numbers")

    models = several()
    models[2] = bp.Sequential([bp.Dense(9, "tanh", kernel_initializer=none), bp.Dense(1)], seed=2)
    models[2].compile("adam", "mse")
    members = bp.fit_many(models, X, Y, epochs=2, verbose=0)
    assert [str(member.error) for member in members] == ["None", "None", "no numbers", "None"]
    for i, model in enumerate(several()):
        if i != 2:
            model.fit(X, Y, epochs=2, verbose=0)
            assert_same(members[i], model)


# -- elsewhere, the time, the bar


@pytest.mark.parametrize("case", [{}, {"layers": "noise"}, {"metrics": ["mae"]}], ids=named)
def test_jobs_in_another_process(case):
    """What is sent to one: jobs, and the data that they share."""
    jobs, forms = checks.make_jobs(several(**case), X, Y, rows=ROWS, epochs=2, validation=0.2)
    jobs, forms = pickle.loads(pickle.dumps((jobs, forms)))
    members = pickle.loads(pickle.dumps(local.run_jobs(jobs, forms, 2, None)))
    for i, (rows, model) in enumerate(zip(ROWS, several(**case), strict=True)):
        model.fit(X[rows], Y[rows], epochs=2, validation_split=0.2, verbose=0)
        member = members[i]
        assert member.history.history == model.history.history
        assert state(member.model) == state(model)


def test_models_that_share_a_plan_leave_no_engine_behind():
    models = several()
    bp.fit_many(models, X, Y, epochs=2, verbose=0)
    assert all(model._engine is None for model in models)
    used = several(1)[0]
    used.predict(X, verbose=0)
    engine = used._engine
    bp.fit_many([used], X, Y, epochs=2, verbose=0)
    assert used._engine is engine  # which may be in use elsewhere


def test_no_time_at_all():
    models = several(5)
    before = [model.get_weights() for model in models if model.build((None, 5)) is None]
    members = bp.fit_many(models, X, Y, epochs=3, time_budget=0, verbose=0)
    errors = [member for member in members if member.error is not None]
    assert all(type(member.error) is TimeoutError for member in errors)
    for member, weights in zip(members, before, strict=True):
        if member in errors:
            assert member.history.epoch == []
            assert all(map(np.array_equal, member.model.get_weights(), weights))


@pytest.mark.parametrize("case", [{}, {"metrics": ["mae"]}], ids=named)
def test_little_time(case):
    """Fits without an end are ended after an epoch, and stand where as many epochs leave them."""
    models = several(**case)
    bp.fit_many(several(**case), X, Y, verbose=0)  # so that all is compiled
    members = bp.fit_many(models, X, Y, epochs=10**7, time_budget=0.3, verbose=0, threads=4)
    assert any(member.error is None for member in members)
    for member, model in zip(members, several(**case), strict=True):
        done = len(member.history.epoch)
        assert type(member.error) is TimeoutError if done == 0 else member.error is None
        assert done < 10**7
        if 0 < done < 20_000:
            model.fit(X, Y, epochs=done, verbose=0)
            assert state(member.model) == state(model)


def test_nothing_to_do():
    assert bp.fit_many([], X, Y) == []
    members = bp.fit_many(several(), X, Y, epochs=0, verbose=0)
    for member, model in zip(members, several(), strict=True):
        model.fit(X, Y, epochs=0, verbose=0)
        assert member.history.history == model.history.history == {}
        assert all(map(np.array_equal, member.model.get_weights(), model.get_weights()))


def test_a_line_for_each(capsys):
    models = several()
    models[1].optimizer.learning_rate = 1e30
    bp.fit_many(models, X, Y, epochs=2, verbose=2, threads=1)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert all(line.startswith(f"Model {i + 1}/4 - sequential") for i, line in enumerate(lines))
    assert sum("loss: " in line for line in lines) == 3
    assert sum("TrainingDiverged" in line for line in lines) == 1


def test_a_bar(capsys):
    bp.fit_many(several(), X, Y, epochs=2, threads=1)
    assert "Model 4/4" in capsys.readouterr().err
