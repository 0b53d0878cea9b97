#!/usr/bin/env python3
"""Trains the bots beside this file with real Rasa 3.6.21 and records what the models do.

usage: record.py RASA_BIN_DIR PORT [BOT ...]

Writes models/BOT.tar.gz, recorded/BOT.parse.json (what POST /model/parse answers for each line of bots/BOT/texts.txt) and
recorded/BOT.jsonl.gz (conversations, by `parley compat record`; $PARLEY names the program). A bot without stories is trained
with `rasa train nlu`, one without examples with `rasa train core`. A model that is there already is not trained again.
"""
import gzip, json, os, pathlib, shutil, subprocess, sys, tempfile, time, urllib.error, urllib.request

HERE = pathlib.Path(__file__).resolve().parent


def call(url, body=None):
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data=data), timeout=60) as r:
        return json.load(r)


def parse(base, text):
    """What Rasa answers; a status alone where it fails."""
    try:
        return call(base + "/model/parse", {"text": text})
    except urllib.error.HTTPError as e:
        return {"text": text, "status": e.code}


def train(rasa, bot, work, env):
    target = HERE / "models" / f"{bot}.tar.gz"
    if target.exists():
        return target
    half = [] if (work / "data/nlu.yml").exists() and (work / "domain.yml").exists() else ["nlu"] if (work / "data/nlu.yml").exists() else ["core"]
    subprocess.run([f"{rasa}/rasa", "train", *half, "--fixed-model-name", "model"], cwd=work, env=env, check=True)
    target.parent.mkdir(exist_ok=True)
    shutil.copy(work / "models/model.tar.gz", target)
    return target


def record(base, bot, work):
    texts = work / "texts.txt"
    if texts.exists():
        lines = texts.read_text().split("\n")[:-1]
        answers = [parse(base, line) for line in lines]
        out = HERE / "recorded" / f"{bot}.parse.json"
        out.write_text("[\n" + ",\n".join(json.dumps(a, ensure_ascii=False) for a in answers) + "\n]\n")
    if (work / "conversations.yml").exists():
        subprocess.run([os.environ.get("PARLEY", "parley"), "compat", "record", "--rasa", base, "--bots", HERE / "bots", "--bot", bot,
                        "--out", work / "out", "--random", "8"], check=True)
        lines = (work / "out" / f"{bot}.jsonl").read_bytes()
        with open(HERE / "recorded" / f"{bot}.jsonl.gz", "wb") as f, gzip.GzipFile("", "wb", fileobj=f, mtime=0) as z:
            z.write(lines)


def main():
    rasa, port, *bots = sys.argv[1:]
    base = f"http://127.0.0.1:{port}"
    env = dict(os.environ, OMP_NUM_THREADS="1", TF_CPP_MIN_LOG_LEVEL="3", RASA_TELEMETRY_ENABLED="false", CUDA_VISIBLE_DEVICES="-1",
               SQLALCHEMY_SILENCE_UBER_WARNING="1")
    (HERE / "recorded").mkdir(exist_ok=True)
    for bot in bots or sorted(p.name for p in (HERE / "bots").iterdir()):
        with tempfile.TemporaryDirectory() as tmp:
            work = pathlib.Path(tmp) / bot
            shutil.copytree(HERE / "bots" / bot, work)
            model = train(rasa, bot, work, env)
            server = subprocess.Popen([f"{rasa}/rasa", "run", "--enable-api", "-p", port, "--model", model, "--credentials", "credentials.yml"],
                                      cwd=work, env=env)
            try:
                for _ in range(3600):
                    try:
                        if call(base + "/status")["model_id"]:
                            break
                    except OSError:
                        time.sleep(0.5)
                record(base, bot, work)
            finally:
                server.terminate()
                server.wait(600)


main()
