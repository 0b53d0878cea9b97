import datetime

from rasa_sdk import Action
from rasa_sdk.events import *


class Start(Action):
    def name(self):
        return "action_session_start"

    def run(self, dispatcher, tracker, domain):
        events = [SessionStarted()]
        if tracker.get_slot("kind") is not None:
            events.append(SlotSet("kind", tracker.get_slot("kind")))
        events.append(ActionExecuted("action_listen"))
        return events


class Fallback(Action):
    def name(self):
        return "action_default_fallback"

    def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(response="utter_default")
        return [UserUtteranceReverted()] if tracker.get_slot("what") != "stay" else []


class Restart(Action):
    def name(self):
        return "action_restart"

    def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(text="own restart")
        return [SlotSet("what", "lost"), Restarted(), SlotSet("what", "kept")]


class Note(Action):
    def name(self):
        return "action_note"

    def run(self, dispatcher, tracker, domain):
        seen = list(tracker.get_slot("seen") or [])
        seen.append(f"{tracker.latest_action_name}|{tracker.get_intent_of_latest_message()}|{tracker.followup_action}|"
                    f"{tracker.latest_message.get('text')}|{tracker.is_paused()}|{tracker.get_latest_input_channel()}|{tracker.active_loop}")
        dispatcher.utter_message(text=str(seen))
        return [SlotSet("seen", seen)]


class Ask(Action):
    def name(self):
        return "action_ask"

    def run(self, dispatcher, tracker, domain):
        level = tracker.get_slot("level")
        return [SlotSet("level", 1 if level == 0.5 else 0.5)]


class Say(Action):
    def name(self):
        return "action_say"

    def run(self, dispatcher, tracker, domain):
        what = tracker.get_slot("what")
        if what == "all":
            dispatcher.utter_message(text="t", image="i", json_message={"j": [1]}, response="utter_slots", attachment="att",
                                     buttons=[{"title": "B", "payload": "/b", "extra": 1}], elements=[{"title": "E", "buttons": []}], more=3)
        elif what == "response":
            dispatcher.utter_message(response="utter_slots", extra="x\ny")
        elif what == "template":
            dispatcher.utter_message(template="utter_slots", extra={"q": 1})
        elif what == "missing":
            dispatcher.utter_message(response="utter_nope")
            dispatcher.utter_message(text="two\n\nparts\n\n\nthree ")
        elif what == "buttons":
            dispatcher.utter_message(buttons=[{"title": "only", "payload": "p"}], button_type="vertical")
        elif what == "json":
            dispatcher.utter_message(json_message={"text": "inner", "x": None})
            dispatcher.utter_message(json_message=["l"])
        elif what == "empty":
            dispatcher.utter_message()
            dispatcher.utter_message(text="")
            dispatcher.utter_message(attachment={"a": 1}, image="")
        elif what == "many":
            dispatcher.utter_message(text="a", channel="x", metadata={"z": 1}, template_vars={"kind": 1})
            dispatcher.utter_message(response="utter_go", kind="own", what=None)
            dispatcher.utter_message(elements=[{"title": "E1"}, {"title": "E2", "buttons": [{"title": "x", "payload": "y"}]}])
        return []


class Ev(Action):
    def name(self):
        return "action_ev"

    def run(self, dispatcher, tracker, domain):
        what = tracker.get_slot("what")
        soon = datetime.datetime.now() + datetime.timedelta(seconds=1)
        dispatcher.utter_message(text=f"ev {what}")
        return {
            "restart": [SlotSet("kind", "r"), Restarted()],
            "session_only": [SessionStarted()],
            "rewind": [UserUtteranceReverted()],
            "rewind_more": [UserUtteranceReverted(), UserUtteranceReverted()],
            "reset": [SlotSet("kind", "x"), AllSlotsReset(), SlotSet("level", 2)],
            "pause": [ConversationPaused(), ConversationResumed()],
            "follow": [FollowupAction("utter_go")],
            "follow_twice": [FollowupAction("utter_go"), FollowupAction("action_note")],
            "follow_form": [FollowupAction("f")],
            "follow_listen": [FollowupAction("action_listen")],
            "follow_unknown": [FollowupAction("action_unheard")],
            "follow_restart": [FollowupAction("action_restart")],
            "loop": [ActiveLoop("f"), SlotSet("requested_slot", "age")],
            "loop_bad": [ActiveLoop("nope")],
            "loop_none": [ActiveLoop(None)],
            "form_old": [{"event": "form", "name": "f"}],
            "validate_old": [{"event": "form_validation", "validate": False}, {"event": "loop_interrupted", "is_interrupted": True}],
            "rejected": [ActionExecutionRejected("action_ev", "own", 0.5)],
            "user": [UserUttered("injected", {"intent": {"name": "go", "confidence": 1.0}, "entities": [{"entity": "kind", "value": "inj"}]})],
            "bot": [BotUttered("said", {"buttons": [], "x": 1}, {"m": 1})],
            "executed": [ActionExecuted("utter_go", "own", 0.25)],
            "featurized": [{"event": "user_featurization", "use_text_for_featurization": False}, {"event": "entities", "entities": [{"entity": "kind", "value": "ent"}]}],
            "agent": [{"event": "agent", "text": "human", "data": {}}, {"event": "export"}],
            "slots": [SlotSet("unknown", 1), SlotSet("what"), SlotSet("level", "7"), SlotSet("seen", "str"), SlotSet("age", {"a": [None]})],
            "remind": [ReminderScheduled("EXTERNAL_wake", trigger_date_time=soon, entities={"what": "r1"}, name="n", kill_on_user_message=False)],
            "remind_twice": [ReminderScheduled("EXTERNAL_wake", trigger_date_time=soon, entities=[{"entity": "what", "value": "r2"}], name="n", kill_on_user_message=False),
                             ReminderScheduled("EXTERNAL_wake", trigger_date_time=soon, entities={"what": "r3"}, name="n", kill_on_user_message=False)],
            "remind_kill": [ReminderScheduled("EXTERNAL_wake", trigger_date_time=soon, kill_on_user_message=True)],
            "cancel": [ReminderCancelled("n")],
            "cancel_ent": [ReminderCancelled(entities={"what": "r1"})],
            "cancel_intent": [ReminderCancelled(intent_name="EXTERNAL_wake")],
            "cancel_both": [ReminderCancelled(name="other", intent_name="EXTERNAL_wake")],
            "nothing": None,
            "text_event": [{"event": "bot", "text": "no data"}],
            "no_name": [{"event": "slot", "value": 2}],
            "stamped": [SlotSet("kind", "old", timestamp=1.5)],
        }.get(what, [])
