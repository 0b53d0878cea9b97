"""Custom actions of the harbour office, served by rasa-sdk: python -m rasa_sdk --actions actions"""
from datetime import datetime, timedelta

from rasa_sdk import Action, FormValidationAction
from rasa_sdk.events import ReminderScheduled, SlotSet

HIGH_WATER = {
    "saltby": ("04:10", "16:35"),
    "gull point": ("04:50", "17:15"),
    "merrow": ("05:25", "17:55"),
}
LONGEST = 20  # metres


class ActionTide(Action):
    def name(self):
        return "action_tide"

    def run(self, dispatcher, tracker, domain):
        place = tracker.get_slot("harbour")
        times = HIGH_WATER.get(place.lower())
        if times is None:
            dispatcher.utter_message(text=f"I have no table for {place}.")
            return [SlotSet("harbour", "saltby")]
        dispatcher.utter_message(text=f"High water at {place.title()} is at {times[0]} and {times[1]}.")
        return []


class ActionRemindOfTide(Action):
    def name(self):
        return "action_remind_of_tide"

    def run(self, dispatcher, tracker, domain):
        return [
            ReminderScheduled(
                "EXTERNAL_tide_turns",
                trigger_date_time=datetime.now() + timedelta(minutes=10),
                name="tide",
                kill_on_user_message=False,
            )
        ]


class ActionAssignBerth(Action):
    """Short boats lie at pier A, long ones at pier B; the number comes from the name, so that it stays the same."""

    def name(self):
        return "action_assign_berth"

    def run(self, dispatcher, tracker, domain):
        pier = "A" if tracker.get_slot("length") <= 8 else "B"
        number = len(tracker.get_slot("boat_name")) % 12 + 1
        return [SlotSet("berth", f"{pier}{number}")]


class ValidateMooringForm(FormValidationAction):
    def name(self):
        return "validate_mooring_form"

    def validate_boat_name(self, value, dispatcher, tracker, domain):
        for opening in ("she is called ", "her name is ", "the name is "):
            if value.lower().startswith(opening):
                value = value[len(opening):]
        return {"boat_name": value.strip()}

    def validate_length(self, value, dispatcher, tracker, domain):
        length = float(value)
        if length > LONGEST:
            dispatcher.utter_message(response="utter_too_long", length=value)
            return {"length": None}
        return {"length": length}
