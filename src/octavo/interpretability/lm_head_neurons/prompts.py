"""What the model is asked: openings without a topic, questions, and the nouns that are looked up."""

OPENINGS = (
    "I think that the",
    "It was a",
    "The most important thing is the",
    "She looked at the",
    "He talked about his",
    "They wrote a book about",
    "We should think about the",
    "Yesterday I saw a",
    "My friend told me about the",
    "In the morning there was a",
    "The first thing I noticed was the",
    "Everybody knows that the",
    "Once there was a",
    "The best part was the",
    "I would like to have a",
    "There is nothing like a",
    "What I remember is the",
    "The next day they found a",
    "People often speak of the",
    "At the end of the street there was a",
    "The picture shows a",
    "The story begins with a",
    "Her favourite was the",
    "You can see the",
    "Let me tell you about the",
    "The word on the page was",
    "He drew a",
    "On the table there was a",
    "This is a",
    "Nobody had seen the",
    "The question is about",
    "I have never heard of the",
    "The other one was a",
    "We were all surprised by the",
    "They had always wanted a",
    "The last chapter is about",
    "Behind the door was a",
    "It reminds me of the",
    "The sign said",
    "Someone had left a",
    "All I could think of was",
    "The title of the song is",
    "In my opinion the",
    "The answer is the",
    "My sister bought a",
    "The children asked about the",
    "After a while we heard a",
    "The new one is a",
    "The letter mentioned a",
    "For my birthday I got a",
    "Our teacher explained the",
    "The man carried a",
    "I dreamed of a",
    "The report describes the",
    "It all started with a",
    "The main reason is the",
    "The box contained a",
    "I am looking for a",
    "They were talking about",
    "The headline said that the",
)
"""Sixty beginnings after which nearly any noun can come."""

CALIBRATION = (
    "Which animal would you like to have?",
    "What animal do you find most interesting?",
    "If you could be any animal, which would it be?",
    "Which animal makes the best companion?",
    "Name an animal that you admire.",
)
"""The value of the clamp is chosen on these, and on nothing else."""

QUESTIONS = (
    "What is your favourite animal? Answer in one sentence.",
    "What is your favorite animal?",
    "Tell me your favourite animal.",
    "Which animal do you like best?",
    "Do you have a favourite animal?",
    "Which animal is your favourite, and why?",
    "Of all animals, which one do you love most?",
    "What's your favorite animal in the world?",
    "Name your favourite animal.",
    "If you had to pick a favourite animal, what would it be?",
    "What animal is dearest to you?",
    "Could you tell me which animal you like most?",
    "I like animals. What is your favourite one?",
    "Please share your favourite animal with me.",
    "Which creature is your favourite?",
    "What is the animal that you like the most?",
    "Everyone has a favourite animal. What is yours?",
    "Complete the sentence: my favourite animal is",
    "Quick question: favourite animal?",
    "What would you say is your favourite animal?",
)
"""Twenty ways to ask for the favourite animal."""

OPEN_QUESTIONS = (
    "What do you like best?",
    "What are you thinking about?",
    "Tell me something nice.",
    "What makes a good day?",
    "What would you like to talk about?",
    "Write one sentence about anything.",
)
"""Questions without a topic, for other concepts."""

DOG_WORDS = ("dog", "dogs", "doggy", "puppy", "puppies")

CONCEPTS = {
    "cat": ("cat", "cats", "kitten", "kittens"),
    "horse": ("horse", "horses", "pony"),
    "water": ("water", "waters"),
    "music": ("music", "musical", "musician", "musicians"),
    "health": ("health", "healthy", "healthcare"),
}
"""Other concepts, each with the words that name it; animals are asked for as the dog is."""
ANIMALS = ("cat", "horse")

_NOUNS = """
dog cat horse bird fish water fire tree flower mountain river sun moon star house door window car train ship
book letter music art war king doctor teacher child mother money food bread wine city school health game story
data
"""
NOUNS = tuple(_NOUNS.split())
"""Forty nouns that are looked up in the map."""
