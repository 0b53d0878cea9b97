from rasa_sdk import Action
from rasa_sdk.events import SlotSet, AllSlotsReset, UserUtteranceReverted


class Count(Action):
    def name(self):
        return "action_count"

    def run(self, dispatcher, tracker, domain):
        level = tracker.get_slot("level")
        if level == "hard":
            return [SlotSet("score", 40)]
        if level == "easy":
            return [SlotSet("score", "-5")]
        return [SlotSet("score", None)]


class Reset(Action):
    def name(self):
        return "action_reset"

    def run(self, dispatcher, tracker, domain):
        return [AllSlotsReset()]
