#!/usr/bin/env python3
"""Records what Rasa 3.6.21's `rasa test` prints, writes and exits with, for the project in projects/stall.

usage: PYTHON_OF_RASA record_test.py [NAME...]

Each case runs in a copy of the project of its own. test/NAME.txt gets the commands with exit code and output,
test/NAME.files/ the text files that were written below results/ and out/; everything that was written is listed.
"""
import os, re, shutil, sys, tempfile, warnings

os.environ.update(RASA_TELEMETRY_ENABLED="false", TF_CPP_MIN_LOG_LEVEL="3", OMP_NUM_THREADS="1", COLUMNS="100", MPLBACKEND="agg")
warnings.filterwarnings("ignore", category=DeprecationWarning)
HERE = os.path.dirname(os.path.abspath(__file__))

M = "train --fixed-model-name m"
L = "train --fixed-model-name m --config config_learning.yml"
CASES = {
    "all": [M, "test --stories tests --nlu nlu_test.yml --successes"],
    "all_defaults": [M, "test --no-plot"],
    "all_no_files": [M, "test --no-errors --no-warnings --no-plot --nlu nlu_no_entities.yml --out out"],
    "all_no_model": ["test"],
    "all_learning": [L, "test --nlu nlu_test.yml --successes"],
    "core": [M, "test core --stories tests"],
    "core_defaults": [M, "test core --no-plot"],
    "core_e2e": [M, "test core --stories tests --e2e --successes --no-plot --out out"],
    "core_all_right": [M, "test core --stories risky/slash --no-plot", "test core --stories tests/test_one.yml --no-plot --out out --no-warnings"],
    "core_not_a_test": [M, "test core --stories not_a_test.yml --successes", "test core --stories not_a_test.yml --e2e --out out"],
    "core_fail": [M, "test core --stories tests --fail-on-prediction-errors", "test core --stories tests --e2e --fail-on-prediction-errors --out out"],
    "core_fail_nlu": [M, "test core --stories risky/slash --e2e --fail-on-prediction-errors --out out"],
    "core_no_fail": [M, "test core --stories risky/many --max-stories 2 --fail-on-prediction-errors"],
    "core_max_stories": [M, "test core --stories risky/many --max-stories 3 --successes --no-plot"],
    "core_entities": [M, "test core --stories risky/entities --e2e", "test core --stories risky/entities --out out --no-plot"],
    "core_texts": [M, "test core --stories risky/texts --e2e --no-plot", "test core --stories risky/texts --out out --no-plot"],
    "core_checkpoints": [M, "test core --stories risky/checkpoints --e2e --successes --no-plot"],
    "core_slash": [M, "test core --stories risky/slash --e2e --successes --no-plot"],
    "core_many": [M, "test core --stories risky/many --e2e --successes --no-plot"],
    "core_limit": [M, "test core --stories risky/limit --e2e --successes --no-plot"],
    "core_no_model": ["test core --stories tests", "test core --stories tests --model nope", "test core --stories nope", "test core --stories nope --model nope"],
    "core_nlu_model": ["train nlu --fixed-model-name m", "test core --stories tests"],
    "core_core_model": ["train core --fixed-model-name m", "test core --stories tests --no-plot", "test core --stories tests --e2e --no-plot --out out"],
    "core_wrong_paths": [M, "test core --stories nope --no-plot", "test core --stories tests --model nope --no-plot --out out", "test core --stories tests --model models/m.tar.gz --endpoints nope.yml --url nope --no-plot --out out2"],
    "core_compare": [M, "train --fixed-model-name m2 --config config_learning.yml", "test core --stories tests --model models/m.tar.gz models/m2.tar.gz --out out",
                     "test core --stories tests --e2e --model models/m.tar.gz models/m2.tar.gz --out out2"],
    "core_directory": ["train core --config config.yml config_learning.yml --out cmp --runs 2 --percentages 0 50", "test core --stories tests --evaluate-model-directory --model cmp --out out"],
    "core_directory_file": [M, "test core --stories tests --evaluate-model-directory --model models/m.tar.gz --out out"],
    "nlu": [M, "test nlu --nlu nlu_test.yml"],
    "nlu_options": [M, "test nlu --nlu nlu_test.yml --successes --no-plot --out out"],
    "nlu_no_errors": [M, "test nlu --nlu nlu_test.yml --no-errors --no-plot"],
    "nlu_defaults": [M, "test nlu --no-plot --successes"],
    "nlu_learning": [L, "test nlu --nlu nlu_test.yml --successes"],
    "nlu_one_intent": [M, "test nlu --nlu nlu_one_intent.yml", "test nlu --nlu tests --out out"],
    "nlu_no_entities": [M, "test nlu --nlu nlu_no_entities.yml --successes"],
    "nlu_no_model": ["test nlu --nlu nlu_test.yml", "test nlu --nlu nope", "test nlu --model nope"],
    "nlu_core_model": ["train core --fixed-model-name m", "test nlu --nlu nlu_test.yml"],
    "nlu_wrong_paths": [M, "test nlu --nlu nope --no-plot", "test nlu --nlu nlu_test.yml --model nope --no-plot --out out", "test nlu --nlu nlu_test.yml --domain nope.yml --no-plot --out out2"],
    "nlu_cross_validation": ["test nlu --nlu nlu_cv.yml --cross-validation --folds 2"],
    "nlu_cross_validation_config": ["test nlu --nlu nlu_cv.yml --cross-validation --config config_learning.yml --no-plot --successes --out out"],
    "nlu_cross_validation_folds": ["test nlu --nlu nlu_cv.yml --cross-validation --folds 1", "test nlu --nlu nlu_cv.yml --cross-validation --folds 20",
                                   "test nlu --nlu nlu_cv.yml --cross-validation --folds x"],
    "nlu_compare": ["test nlu --nlu nlu_cv.yml --config config.yml config_learning.yml --runs 2 --percentages 50 --out out"],
    "nlu_compare_folder": ["test nlu --nlu nlu_cv.yml --config configs --runs 1 --percentages 25 --no-plot"],
    "nlu_compare_bad": ["test nlu --nlu nlu_cv.yml --config config.yml nope.yml --runs 1 --percentages 0"],
    "nlu_one_config": [M, "test nlu --nlu nlu_test.yml --config config.yml --no-plot", "test nlu --nlu nlu_test.yml --config nope.yml --no-plot --out out"],
    "usage": ["test nope", "test --nope", "test nlu --runs x", "test core --max-stories x", "test nlu --percentages"],
}
SUBS = [
    (r"\x1b\[[0-9;]*m", ""), (r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?", "<time>"), (r"\b20\d{6}-\d{6}-[a-z]+-[a-z]+\b", "<model>"),
    (r"[^\s'\":]*/site-packages/rasa/[^\s:]+\.py:\d+: ", ""), (r"/tmp/tmp[^\s'\",:/]*", "<tmp>"), (r"(?m)^.*\d+%\|.*\n", ""), (r"(?m)^.*it/s\].*\n", ""),
    (r"(?m)^.*(Processed|Progress:).*\n", ""), (r"(Traceback \(most recent call last\):\n)(?:[ \t]+.*\n)+", r"\1  ...\n"),
    (r"(?m)^.*site-packages.*Warning.*\n(  .*\n)*", ""), (r"\n{2,}", "\n"),
]


def scrub(text, work):
    text = text.replace(os.path.realpath(work), "<project>")
    text = "\n".join(line.split("\r")[-1].rstrip() for line in text.split("\n"))
    for pattern, by in SUBS:
        text = re.sub(pattern, by, text)
    return text.strip("\n")


def child(argv, work, out, err):
    pid = os.fork()
    if pid:
        _, status = os.waitpid(pid, 0)
        return os.waitstatus_to_exitcode(status)
    code = 0
    try:
        os.chdir(work)
        for path, fd in ((out, 1), (err, 2)):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), fd)
        os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
        sys.argv = ["rasa"] + argv
        import rasa.__main__
        rasa.__main__.main()
    except SystemExit as e:
        code = e.code if isinstance(e.code, int) else 0 if e.code is None else 1
    except BaseException:
        import traceback
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def listing(work):
    return sorted(os.path.relpath(os.path.join(d, f), work) for d, _, files in os.walk(work) for f in files)


def record(name, commands):
    root = tempfile.mkdtemp()
    work = os.path.join(root, "p")
    shutil.copytree(os.path.join(HERE, "projects", "stall"), work)
    before, text = listing(work), ""
    for c in commands:
        out, err = os.path.join(root, "out"), os.path.join(root, "err")
        code = child(c.split(), work, out, err)
        text += f"$ rasa {c}\nexit code: {code}\n----- stdout\n{scrub(open(out).read(), work)}\n----- stderr\n{scrub(open(err).read(), work)}\n\n"
    written = [f for f in listing(work) if f not in before and not f.startswith(".rasa")]
    target = os.path.join(HERE, "test", name)
    shutil.rmtree(target + ".files", ignore_errors=True)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    open(target + ".txt", "w").write(text + "----- files written\n" + "".join(re.sub(r"20\d{6}-\d{6}-[a-z]+-[a-z]+", "<model>", f) + "\n" for f in written))
    for f in written:
        if f.endswith((".json", ".yml")) and not f.startswith("models"):
            os.makedirs(os.path.dirname(os.path.join(target + ".files", f)), exist_ok=True)
            data = open(os.path.join(work, f)).read().replace(os.path.realpath(work), "<project>")
            open(os.path.join(target + ".files", f), "w").write(data)
    shutil.rmtree(root)
    print(name, flush=True)


if __name__ == "__main__":
    import rasa.__main__, rasa.cli.test, rasa.cli.train, rasa.model_testing, rasa.core.test, rasa.nlu.test, rasa.core.agent, rasa.model_training, rasa.engine.recipes.default_components, matplotlib.pyplot
    for name, commands in CASES.items():
        if not sys.argv[1:] or name in sys.argv[1:]:
            record(name, commands)
