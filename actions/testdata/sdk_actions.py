"""Custom actions for the test against a real action server."""
from rasa_sdk import Action, FormValidationAction
from rasa_sdk.events import ActiveLoop, FollowupAction, ReminderScheduled, SlotSet
from rasa_sdk.interfaces import ActionExecutionRejection

import datetime


class Everything(Action):
    def name(self):
        return "action_everything"

    def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(
            text="you said " + tracker.latest_message["text"],
            buttons=[{"title": "more", "payload": "/more"}],
            image="tea.png",
            json_message={"kind": "card"},
        )
        dispatcher.utter_message(response="utter_hello", temperature=80)
        when = datetime.datetime(2030, 1, 2, 3, 4, 5)
        return [
            SlotSet("cups", {"seen": len(tracker.events), "slots": sorted(domain["slots"])}),
            {"no": "event"},
            "nonsense",
            ReminderScheduled("greet", when, name="tea"),
            FollowupAction("action_listen"),
        ]


class Nothing(Action):
    def name(self):
        return "action_nothing"

    async def run(self, dispatcher, tracker, domain):
        return None


class Refusing(Action):
    def name(self):
        return "action_refusing"

    def run(self, dispatcher, tracker, domain):
        raise ActionExecutionRejection(self.name(), "no tea left")


class Crashing(Action):
    def name(self):
        return "action_crashing"

    def run(self, dispatcher, tracker, domain):
        raise RuntimeError("the kettle exploded")


class Inventing(Action):
    def name(self):
        return "action_inventing"

    def run(self, dispatcher, tracker, domain):
        return [SlotSet("drink", "tea"), {"event": "launch"}]


class ValidateOrder(FormValidationAction):
    def name(self):
        return "validate_order_form"

    def validate_drink(self, value, dispatcher, tracker, domain):
        if value == "petrol":
            dispatcher.utter_message(text="not that")
            return {"drink": None}
        return {"drink": value.upper()}
