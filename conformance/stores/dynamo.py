#!/usr/bin/env python3
"""What real Rasa 3.6.21 reads and writes in DynamoDB; run it with the Python that Rasa is installed in.

usage: dynamo.py record DIR [CLASSPATH]
       dynamo.py serve ENDPOINT TABLE

record starts DynamoDB Local from the class path of the test servers (default .cache/testservers/classpath) and

  - writes conversations with Rasa and records each as DIR/rasa_NAME.json: the item as it is in the table and the events that
    retrieve() gives,
  - puts each item that parley wrote, DIR/parley_NAME.json, into the table and records in DIR/parley_NAME.rasa.json the events
    and slots that Rasa's retrieve() gives, and the item after Rasa has added a turn.

serve reads orders from standard input, one a line, and answers each with a line of JSON:

    turn SENDER TEXT    adds a turn to a conversation; how many events it has then
    session SENDER      the same with the beginning of a session
    read SENDER         the events that retrieve() gives, and the slots
"""
import asyncio, datetime, glob, json, os, re, socket, subprocess, sys, tempfile, time, urllib.error, urllib.request

CLOCK = [1795000000.0]


def start(classpath):
    with open(classpath, encoding="utf-8") as f:
        classes = f.read().strip()
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    library = os.path.dirname(next(p for p in classes.split(":") if re.search(r"sqlite4java-linux-amd64.*\.so$", p)))
    server = subprocess.Popen(["java", "-Xmx256m", f"-Djava.library.path={library}", "-cp", classes, "TestServer", "dynamo", "-port", str(port),
                               "-inMemory", "-sharedDb", "-disableTelemetry"], cwd=tempfile.mkdtemp(), stdout=subprocess.DEVNULL)
    endpoint = f"http://127.0.0.1:{port}"
    for _ in range(600):
        try:
            urllib.request.urlopen(endpoint)
        except urllib.error.HTTPError:
            return server, endpoint
        except OSError:
            time.sleep(0.1)
    raise SystemExit("DynamoDB Local does not answer")


def connect(endpoint):
    """boto3 takes endpoint and credentials from the environment, as Rasa has no options for them."""
    os.environ.update(AWS_ENDPOINT_URL=endpoint, AWS_ACCESS_KEY_ID="local", AWS_SECRET_ACCESS_KEY="local", RASA_TELEMETRY_ENABLED="false")


class Bot:
    """A node of Rasa, as far as its tracker store is concerned."""

    def __init__(self, table):
        from rasa.core.tracker_store import DynamoTrackerStore
        from rasa.shared.core.domain import Domain

        self.domain = Domain.from_yaml(DOMAIN)
        self.store = DynamoTrackerStore(self.domain, table_name=table)

    async def save(self, name, *lists):
        from rasa.shared.core.trackers import DialogueStateTracker

        tracker = None
        for events in lists:
            tracker = await self.store.retrieve(name) or DialogueStateTracker(name, self.domain.slots)
            for event in events:
                tracker.update(event, self.domain)
            await self.store.save(tracker)
        return tracker

    async def read(self, name):
        tracker = await self.store.retrieve(name)
        return {"retrieve": [e.as_dict() for e in tracker.events], "slots": tracker.current_slot_values(), "active_loop": tracker.active_loop_name}

    def raw(self, name):
        return self.store.client.get_item(TableName=self.store.table_name, Key={"sender_id": {"S": name}}, ConsistentRead=True)["Item"]


DOMAIN = """
version: "3.1"
intents: [greet, order]
slots:
  dish: {type: text, mappings: [{type: custom}]}
  extras: {type: list, mappings: [{type: custom}]}
responses:
  utter_hello: [{text: Hello}]
actions: [action_cook]
forms:
  order_form: {required_slots: [dish]}
"""


def stamped(events):
    for event in events:
        CLOCK[0] += 0.3700001
        event.timestamp = CLOCK[0]
    return events


def session():
    from rasa.shared.core.events import ActionExecuted, SessionStarted

    return stamped([ActionExecuted("action_session_start", confidence=1.0), SessionStarted(), ActionExecuted("action_listen")])


def turn(text, n):
    from rasa.shared.core.events import ActionExecuted, BotUttered, DefinePrevUserUtteredFeaturization, SlotSet, UserUttered

    intent = {"name": "greet", "confidence": 0.9876543210987}
    parse = {"text": text, "intent": intent, "entities": [{"entity": "dish", "start": 0, "end": 4, "value": text[:4]}],
             "intent_ranking": [intent], "text_tokens": [(0, 4)]}
    return stamped([
        UserUttered(text, intent, parse["entities"], parse, input_channel="rest", message_id=f"m{n}", metadata={"page": n, "empty": ""}),
        DefinePrevUserUtteredFeaturization(False),
        SlotSet("dish", text[:4]),
        SlotSet("extras", [1, 2.5, None, True, {"a.b": [], "z": {}}]),
        ActionExecuted("utter_hello", policy="RulePolicy", confidence=1.0),
        BotUttered("Grüß Gott 🍑", {"buttons": [{"title": "x"}], "custom": None}, {"utter_action": "utter_hello"}),
        ActionExecuted("action_listen", policy="RulePolicy", confidence=1.0),
    ])


async def record(folder):
    from rasa.shared.core.events import ActionExecuted, ActiveLoop, FollowupAction, ReminderScheduled, Restarted, SlotSet

    bot = Bot("states")

    def write(file, content):
        with open(os.path.join(folder, file), "w", encoding="utf-8") as f:
            json.dump(content, f, indent=1, ensure_ascii=False, sort_keys=True)
            f.write("\n")

    await bot.save("empty", [])
    await bot.save("sessions", session(), turn("soup, please", 1), turn("cake 🍑", 2), session(), turn("rice", 3))
    await bot.save("form", session(), stamped([ActionExecuted("order_form", policy="RulePolicy", confidence=1.0), ActiveLoop("order_form"),
                                               SlotSet("requested_slot", "dish"), ActionExecuted("action_listen")]), turn("beans", 4))
    await bot.save("other", turn("nuts", 5), stamped([ReminderScheduled("greet", datetime.datetime(2030, 1, 2, 3, 4, 5), name="later"),
                                                      FollowupAction("action_cook"), Restarted(), ActionExecuted("action_listen")]))
    for name in ["empty", "sessions", "form", "other"]:
        write(f"rasa_{name}.json", {"item": bot.raw(name), "retrieve": (await bot.read(name))["retrieve"]})

    for path in sorted(glob.glob(os.path.join(folder, "parley_*.json"))):
        if path.endswith(".rasa.json"):
            continue
        with open(path, encoding="utf-8") as f:
            given = json.load(f)
        bot.store.client.put_item(TableName="states", Item=given["item"])
        name = given["item"]["sender_id"]["S"]
        out = await bot.read(name)
        await bot.save(name, turn("and tea", 9))
        out["item"] = bot.raw(name)
        write(os.path.basename(path).replace(".json", ".rasa.json"), out)


async def serve(table):
    bot = Bot(table)
    print(json.dumps("ready"), flush=True)
    n = 0
    for line in sys.stdin:
        order, sender, *text = line.rstrip("\n").split(" ", 2)
        n += 1
        if order == "read":
            answer = await bot.read(sender)
        else:
            answer = len((await bot.save(sender, turn(text[0], n) if order == "turn" else session())).events)
        print(json.dumps(answer), flush=True)


def main(words):
    if words[:1] == ["record"] and len(words) in (2, 3):
        server, endpoint = start(words[2] if len(words) > 2 else ".cache/testservers/classpath")
        try:
            connect(endpoint)
            asyncio.run(record(words[1]))
        finally:
            server.kill()
            server.wait()
    elif words[:1] == ["serve"] and len(words) == 3:
        connect(words[1])
        asyncio.run(serve(words[2]))
    else:
        raise SystemExit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
