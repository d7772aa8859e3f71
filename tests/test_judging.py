"""Whatever a student hands in, the check answers, in words that help, and soon."""

import functools
import os
import signal
import threading
import time

import numpy as np
import pytest
import torch

from lecture_lib.exercises import judge, source
from lecture_lib.exercises.arrays import as_arrays
from lecture_lib.exercises.judging import compare
from lecture_lib.exercises.time_limit import SECONDS, TimeUp, limited, time_limit

KL = source.load("11.4", "kl_to_prior")
OURS = ("calling.py", "judging.py", "lecture_lib", "Traceback")


def typed(body, before=""):
    """What a student has who types this body, perhaps after other definitions."""
    notebook = {"np": np, "torch": torch, "LARGE": np.ones((99, 99))}
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    exec(f"{before}\ndef kl_to_prior(mu, log_var):\n{lines}\n", notebook)
    return notebook["kl_to_prior"]


RIGHT = "0.5 * (mu**2 + np.exp(log_var) - 1 - log_var).sum(axis=1)"


def verdict_on(body, before=""):
    verdict = judge(typed(body, before))
    assert verdict.exercise == "kl_to_prior"
    assert not any(name in verdict.message for name in OURS)
    return verdict


# ── not an answer yet ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "body", ["...", "pass", "raise NotImplementedError", "return ...", '"x"\n...']
)
def test_an_untouched_stub_is_not_a_wrong_answer(body):
    assert verdict_on(body).status == "not yet attempted"


def test_what_a_library_has_not_implemented_is_an_error():
    verdict = verdict_on(
        "q, p = torch.distributions.Laplace(0.0, 1.0), torch.distributions.Cauchy(0.0, 1.0)\n"
        "return torch.distributions.kl_divergence(q, p)"
    )
    assert verdict.status == "not yet right"
    assert "NotImplementedError" in verdict.message


def test_a_forgotten_return_is_told():
    verdict = verdict_on(f"result = {RIGHT}")
    assert verdict.status == "not yet right"
    assert "return" in verdict.message


# ── code that fails ───────────────────────────────────────────────────────────────────────────────


def test_an_exception_shows_the_students_own_line():
    message = verdict_on("total = mu.sum(axis=1)\nreturn mu @ log_var").message
    assert "line 3" in message  # the first line is the `def`
    assert "ValueError" in message
    assert "shape (4, 3)" in message


def test_an_exception_in_a_helper_shows_the_line_of_the_helper():
    helper = "def half(x):\n    return x / 'two'\n"
    message = verdict_on("return half(mu)", before=helper).message
    assert "`half`, line 2" in message
    assert "TypeError" in message


def test_the_line_itself_is_shown_where_python_knows_it(tmp_path):
    path = tmp_path / "cell.py"
    path.write_text("def kl_to_prior(mu, log_var):\n    return mu.no_such_thing\n")
    notebook = {}
    exec(compile(path.read_text(), str(path), "exec"), notebook)
    assert "`return mu.no_such_thing`" in judge(notebook["kl_to_prior"]).message


@pytest.mark.parametrize(
    "body",
    [
        "raise SystemExit",
        "raise BaseException",
        "raise GeneratorExit",
        "return kl_to_prior(mu, log_var)",
        "raise Exception",
        "return undefined",
        "class Mute(Exception):\n    def __str__(self): raise ValueError\nraise Mute",
    ],
)
def test_nothing_that_a_function_raises_escapes(body):
    assert verdict_on(body).status == "not yet right"


@pytest.mark.parametrize(
    "body",
    [
        "while True: pass",
        "while True:\n    try:\n        mu + 1\n    except:\n        pass",
        "while True:\n    try:\n        mu + 1\n    except Exception:\n        continue",
        "for k in iter(int, 1):\n    np.exp(mu)",
        "while True:\n    try:\n        np.linalg.svd(LARGE)\n    except:\n        pass",
        "import time\nwhile True:\n    try:\n        time.sleep(0.01)\n    except:\n        pass",
    ],
)
def test_a_loop_without_end_is_stopped(body):
    begin = time.monotonic()
    message = verdict_on(body).message
    assert "never ends" in message
    assert "line" in message
    # far less than a loop without end, and far more than a loaded machine needs beyond the limit
    assert time.monotonic() - begin < 10 * SECONDS


BUSY = "import time\nend = time.monotonic() + {}\nwhile time.monotonic() < end: pass\n"


@pytest.mark.parametrize("share", [0.9, 1.5])
def test_time_for_imports_is_not_counted(share, tmp_path, monkeypatch):
    (tmp_path / f"slow_{share * 10:.0f}.py").write_text(BUSY.format(share * SECONDS))
    monkeypatch.syspath_prepend(tmp_path)
    work = BUSY.format(SECONDS / 20)  # in each of five calls
    assert verdict_on(f"import slow_{share * 10:.0f}\n{work}return {RIGHT}").right


def test_time_that_runs_out_while_the_answer_is_read_is_told(monkeypatch):
    class Slow:
        def __array__(self, *_, **__):
            while True:
                pass

    monkeypatch.setattr(np, "slow", Slow, raising=False)
    assert "stopped" in verdict_on("return np.slow()").message


def test_a_long_text_of_an_error_is_cut():
    assert len(verdict_on("raise ValueError('x' * 100_000)").message) < 600


def test_the_limit_is_for_all_calls_together():
    assert (
        "stopped" in verdict_on(f"import time\ntime.sleep({SECONDS / 2})\nreturn {RIGHT}").message
    )


def wait(seconds):
    def endless():
        while True:
            pass

    with time_limit(seconds):
        limited(endless)


def test_a_limit_leaves_no_trace():
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(TimeUp):
        wait(0.05)
    assert signal.getsignal(signal.SIGINT) is before
    time.sleep(0.2)  # a late interrupt would come now


def test_the_students_own_interrupt_is_obeyed():
    def interrupt():
        time.sleep(0.1)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        wait(20)


def test_outside_the_main_thread_there_is_no_limit_but_a_verdict():
    verdicts = []
    thread = threading.Thread(target=lambda: verdicts.append(judge(typed(f"return {RIGHT}"))))
    thread.start()
    thread.join()
    assert verdicts[0].right


# ── answers of the wrong kind ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("'0.5'", "text"),
        ("{'kl': 1}", "dictionary"),
        ("[[1, 2], [3]]", "differ in length"),
        ("[1, 'two']", "no number"),
        ("np.exp", "numbers belong"),
        ("(x for x in mu)", "a generator"),
        ("map(abs, mu)", "run through"),
        ("10**400", "cannot be read"),
        ("['0.5', '1']", "no number"),
        ("np.ma.masked_all(4)", "NaN"),
        ("torch.zeros(4, device='meta')", "cannot be read"),
        ("torch.eye(3).to_sparse()", "cannot be read"),
        ("[mu].__class__.__mul__([mu], 0).append", "a function"),
        ("[1, None]", "number"),
        ("mu[:, 0] * 1j", "complex"),
        ("mu[:, 0] * np.nan", "NaN"),
        ("mu[:, 0] / 0 * log_var[:, 0]", "infinite"),
        ("mu.T @ mu", "shape (3, 3), where (4,) belongs"),
        ("mu, log_var", "shape"),
        ("np.empty((0,))", "shape (0,)"),
        ("True", "shape ()"),
    ],
)
def test_a_value_of_the_wrong_kind_is_named(value, words):
    verdict = verdict_on(f"return {value}")
    assert verdict.status == "not yet right"
    assert words in verdict.message


@pytest.mark.parametrize(
    "value",
    [
        f"list({RIGHT})",
        f"tuple({RIGHT})",
        f"torch.tensor({RIGHT}, dtype=torch.float32, requires_grad=True)",
        f"torch.tensor({RIGHT}, dtype=torch.bfloat16).double() * 0 + torch.tensor({RIGHT})",
        f"[torch.tensor(x, requires_grad=True) for x in {RIGHT}]",
        f"({RIGHT}).astype(complex)",
        f"({RIGHT}) + 1e-17j",
        f"torch.tensor({RIGHT}, dtype=torch.cfloat).conj()",
        f"({RIGHT}).astype(object)",
        f"np.ma.masked_array({RIGHT})",
        f"({RIGHT}).astype(np.longdouble)",
    ],
)
def test_numbers_of_any_kind_will_do(value):
    assert verdict_on(f"return {value}").right


def test_whole_numbers_are_numbers():
    assert as_arrays(7, 1)[0] == 7.0
    assert as_arrays(np.int8(7), 1)[0] == 7.0
    assert as_arrays(torch.tensor(7), 1)[0] == 7.0


@pytest.mark.parametrize("arguments", ["", "mu", "mu, log_var, extra", "*, mu, log_var"])
def test_other_arguments_are_told(arguments):
    notebook = {}
    exec(f"def kl_to_prior({arguments}): return 1", notebook)
    message = judge(notebook["kl_to_prior"]).message
    assert "(mu, log_var)" in message


# ── numbers that are wrong without a name ─────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (f"3 * {RIGHT}", "3 times"),
        (f"{RIGHT} + 1", "same amount"),
        (
            f"np.where(np.abs(mu).max(axis=1) > 0, {RIGHT}, 1)",
            "Right for 3 of 4 calls. When called with mu of shape (2, 3), all zero",
        ),
        (f"({RIGHT}) ** 2 + 1", "none of the mistakes"),
        ("np.random.normal(size=len(mu))", "two different answers"),
    ],
)
def test_what_can_be_seen_is_said(value, words):
    verdict = verdict_on(f"return {value}")
    assert words in verdict.message
    assert verdict.mistake is None


TWO = source.load("11.4", "bound_by_hand")


def test_of_several_values_those_that_are_right_are_named():
    log_p, elbo, gap = TWO.solve()
    message = compare(TWO, lambda: (log_p, elbo + 10, gap)).message
    assert "only these are right: the first, the third" in message


def test_several_values_may_come_in_one_array():
    assert compare(TWO, lambda: np.array(TWO.solve())).right
    assert compare(TWO, lambda: torch.tensor([float(part) for part in TWO.solve()])).right


def test_values_in_another_order_are_seen():
    assert "another order" in compare(TWO, lambda: TWO.solve()[::-1]).message


def test_too_few_values_are_counted():
    assert "2 values" in compare(TWO, lambda: (1.0, 2.0)).message
    assert "asks for 3" in compare(TWO, lambda: 1.0).message


def test_a_changed_argument_is_told_though_the_numbers_are_right():
    verdict = verdict_on("mu **= 2\nreturn 0.5 * (mu + np.exp(log_var) - 1 - log_var).sum(axis=1)")
    assert verdict.status == "not yet right"
    assert "changes its argument mu" in verdict.message


def test_a_mistake_keeps_its_name_in_other_words():
    verdict = verdict_on(
        "out = []\n"
        "for m, l in zip(mu, log_var):\n"
        "    out.append(sum(0.5 * (a * a + torch.exp(torch.tensor(2 * b)) - 1 - 2 * b)\n"
        "                   for a, b in zip(m, l)))\n"
        "return out"
    )
    assert verdict.mistake == "sigma_for_variance"


# ── not a function of this book ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("given", [3.0, np.ones((2, 3)), "kl_to_prior", None, [1, 2]])
def test_a_result_in_place_of_the_function_is_explained(given):
    verdict = judge(given)
    assert "without brackets" in verdict.message
    assert not verdict.attempted


def test_a_name_almost_right_gets_a_proposal():
    notebook = {}
    exec("def kl_to_priors(mu, log_var): return 1", notebook)
    assert "`kl_to_prior`" in judge(notebook["kl_to_priors"]).message


def test_a_lambda_is_told_to_take_a_name():
    kl_to_prior = lambda mu, log_var: 1  # noqa: E731
    assert "`def`" in judge(kl_to_prior).message


@pytest.mark.parametrize("given", [np.array(["a"]), np.array([1, None], dtype=object), np.zeros(0)])
def test_any_array_in_place_of_the_function_is_explained(given):
    assert "without brackets" in judge(given).message


@pytest.mark.parametrize("given", [lambda mu: mu, functools.partial(np.sum, axis=1), np.exp, int])
def test_a_stranger_is_no_exercise(given):
    assert "No exercise" in judge(given).message


# ── how a verdict looks ───────────────────────────────────────────────────────────────────────────


def test_a_verdict_is_words_not_colour_alone():
    verdict = verdict_on("return 1")
    assert "not yet right" in repr(verdict)
    assert "not yet right" in verdict._repr_html_()


def test_a_verdict_escapes_what_the_student_wrote():
    shown = verdict_on("raise ValueError('<b>`bold`</b>')")._repr_html_()
    assert "<b>" not in shown
    assert "<code>bold</code>" in shown


@pytest.mark.parametrize("name", ["train_denoiser", "climb_elbo", "loss_gradients"])
@pytest.mark.parametrize(
    "state", [torch.no_grad, torch.inference_mode, lambda: torch.device("meta")]
)
def test_what_the_student_has_set_in_torch_does_not_stop_the_check(name, state):
    exercise = source.find(name)
    with state():
        assert judge(exercise.solve).right


def test_gradients_that_a_function_turned_off_are_on_again():
    assert verdict_on(f"torch.set_grad_enabled(False)\nreturn {RIGHT}").right
    assert torch.is_grad_enabled()


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_check_that_fails_shows_nothing_of_the_solution(error, monkeypatch):
    def fails(*_):
        raise error("0.5 * (mu**2 + np.exp(log_var))")

    monkeypatch.setattr(KL, "solve", fails)
    monkeypatch.setattr(source, "find", lambda name: KL)
    fails.__name__ = "kl_to_prior"
    verdict = judge(typed("return 1"))
    assert verdict.status == "not checked"
    assert "np.exp" not in verdict.message


def test_a_verdict_holds_nothing_of_the_solution():
    verdict = compare(KL, lambda mu, log_var: np.zeros(len(mu)))
    right = KL.solve(*next(KL.calls()))
    assert not any(f"{number:.4g}" in repr(vars(verdict)) for number in right)
