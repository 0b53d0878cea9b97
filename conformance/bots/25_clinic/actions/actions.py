from rasa_sdk import Action, FormValidationAction
from rasa_sdk.events import SlotSet, AllSlotsReset, FollowupAction


class ValidateVisit(FormValidationAction):
    def name(self):
        return "validate_visit_form"

    async def required_slots(self, domain_slots, dispatcher, tracker, domain):
        slots = list(domain_slots)
        if tracker.get_slot("insured"):
            slots.append("policy_no")
        if str(tracker.get_slot("animal")).lower() == "parrot":
            slots = ["feather"] + [s for s in slots if s != "pain_level"]
        return slots

    async def extract_feather(self, dispatcher, tracker, domain):
        if tracker.get_slot("requested_slot") == "feather":
            text = tracker.latest_message.get("text")
            return {"feather": text.split()} if text else {}
        return {}

    def extract_policy_no(self, dispatcher, tracker, domain):
        if tracker.get_slot("requested_slot") == "policy_no":
            return {"policy_no": tracker.latest_message.get("text")}
        return {}

    def validate_feather(self, value, dispatcher, tracker, domain):
        if isinstance(value, list) and len(value) > 2:
            dispatcher.utter_message(text="At most two words.")
            return {"feather": None}
        return {"feather": value, "vaccines": ["feather"]}

    def validate_pain_level(self, value, dispatcher, tracker, domain):
        try:
            number = float(value)
        except (TypeError, ValueError):
            dispatcher.utter_message(response="utter_why")
            return {"pain_level": None}
        if number > 8:
            return {"pain_level": number, "urgent": True}
        return {"pain_level": number}

    def validate_animal(self, value, dispatcher, tracker, domain):
        if value == "crocodile":
            return {"animal": None, "requested_slot": "owner"}
        return {"animal": value}

    def validate_policy_no(self, value, dispatcher, tracker, domain):
        if not str(value).isdigit():
            return {"policy_no": None, "insured": None}
        return {"policy_no": int(value)}


class Urgency(Action):
    def name(self):
        return "action_urgency"

    def run(self, dispatcher, tracker, domain):
        text = tracker.latest_message.get("text") or ""
        if "!" in text:
            return [SlotSet("urgent", True)]
        return []


class Forget(Action):
    def name(self):
        return "action_forget"

    def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(text="Forgotten.", buttons=[{"title": "again", "payload": "/appoint"}])
        return [SlotSet("policy_no", None), SlotSet("insured", None), SlotSet("feather", None)]
