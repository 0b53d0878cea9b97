from rasa_sdk import Action
from rasa_sdk.events import ActiveLoop, SlotSet, UserUttered, BotUttered, EventType
from rasa_sdk.forms import FormValidationAction


class CraftForm(Action):
    def name(self):
        return "craft_form"

    def run(self, dispatcher, tracker, domain):
        loop = tracker.active_loop.get("name")
        if loop == "craft_form":
            dispatcher.utter_message(text="crafted")
            return [SlotSet("tags", ["c"]), ActiveLoop(None), SlotSet("requested_slot", None)]
        dispatcher.utter_message(text=f"crafting ({loop})")
        return [ActiveLoop("craft_form"), SlotSet("requested_slot", "tags")]


class ValidateRide(FormValidationAction):
    def name(self):
        return "validate_ride_form"

    async def required_slots(self, domain_slots, dispatcher, tracker, domain):
        extra = ["table"] if tracker.get_slot("seats") == 4 else []
        if tracker.get_slot("goal") == "home":
            return ["smoker"] + extra
        return domain_slots + extra

    def validate_start(self, value, dispatcher, tracker, domain):
        if value == "swap":
            return {"start": None, "goal": "swapped"}
        if value == "bot":
            return {"start": "bot", "last_words": "from start"}
        return {"start": value}

    def validate_seats(self, value, dispatcher, tracker, domain):
        if value == 9:
            dispatcher.utter_message(text="too many", buttons=[{"title": "two", "payload": '/inform{"count": 2}'}])
            return {"seats": None}
        return {"seats": value}


class ValidateSurvey(FormValidationAction):
    def name(self):
        return "validate_survey_form"

    async def extract_grade(self, dispatcher, tracker, domain):
        text = tracker.latest_message.get("text") or ""
        try:
            return {"grade": float(text)}
        except ValueError:
            return {}

    def validate_last_words(self, value, dispatcher, tracker, domain):
        if value.startswith("/"):
            dispatcher.utter_message(text="words!")
            return {"last_words": None, "grade": None}
        return {"last_words": value}


class AskTable(Action):
    def name(self):
        return "action_ask_table"

    def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(text=f"Table? {tracker.get_slot('requested_slot')} {tracker.active_loop.get('name')}")
        return []


class AskGrade(Action):
    def name(self):
        return "action_ask_survey_form_grade"

    def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(text="Grade 0..1")
        return [SlotSet("counted", -1)]


class Tally(Action):
    def name(self):
        return "action_tally"

    def run(self, dispatcher, tracker, domain):
        return [SlotSet("counted", len([e for e in tracker.events if e["event"] == "user"]))]
