from rasa_sdk import Action


class Affirm(Action):
    def name(self):
        return "action_default_ask_affirmation"

    def run(self, dispatcher, tracker, domain):
        ranking = tracker.latest_message.get("intent_ranking") or []
        dispatcher.utter_message(response="utter_affirm", t=len(ranking), buttons=[{"title": "y", "payload": "/hi"}, {"title": "n", "payload": "/out_of_scope"}])
        return []
