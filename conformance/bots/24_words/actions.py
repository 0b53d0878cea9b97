from rasa_sdk import Action
from rasa_sdk.events import FollowupAction, SlotSet


class Jump(Action):
    def name(self):
        return "action_jump"

    def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(text="jump")
        return [SlotSet("count", 2), FollowupAction("book_form")]


class Count(Action):
    def name(self):
        return "action_count"

    def run(self, dispatcher, tracker, domain):
        return [SlotSet("count", (tracker.get_slot("count") or 0) + 1)]
