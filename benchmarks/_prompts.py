"""Texts for the benchmark of prompts, all written for it."""

from __future__ import annotations

from dataclasses import dataclass

SENTIMENT = """\
Review: A warm and clever story with a wonderful cast.
Sentiment: positive
Review: The plot is dull and the jokes fall flat.
Sentiment: negative
Review: I left the theatre smiling and would gladly see it again.
Sentiment: positive
Review: Two wasted hours of noise and bad acting.
Sentiment: negative
Review: {text}
Sentiment:"""


@dataclass(frozen=True)
class Review:
    """A review with negations.

    Attributes:
        text: The review.
        pairs: The words that negate each other, as they are in the text without punctuation.
        positive: Whether the pair speaks for a positive review.
    """

    text: str
    pairs: tuple[tuple[str, str], ...]
    positive: bool = True


NEGATIONS = [
    Review("This film never fails to impress its loyal fans.", (("never", "fails"),)),
    Review("The acting is not bad at all, quite the opposite.", (("not", "bad"),)),
    Review("There is hardly a dull moment in this thriller.", (("hardly", "dull"),)),
    Review("The old story has no shortage of real charm.", (("no", "shortage"),)),
    Review("You can't go wrong with this lovely little comedy.", (("can't", "wrong"),)),
    Review("The final hour is nothing short of a triumph.", (("nothing", "short"),)),
    Review(
        "The second act, sadly, is not without its flaws.", (("not", "without"),), positive=False
    ),
    Review("I could not have asked for a better evening.", (("not", "better"),)),
    Review(
        "The director doesn't miss a beat, and both leads never disappoint from the first scene.",
        (("doesn't", "miss"), ("never", "disappoint")),
    ),
    Review(
        "I expected to be bored, but the jokes are far from stale and not one scene is wasted.",
        (("far", "stale"), ("not", "wasted")),
    ),
    Review(
        "It is hard not to like this gentle tale of two brothers and their stubborn mother.",
        (("hard", "not"),),
    ),
    Review(
        "Her jokes rarely miss, and nobody who sees this picture will leave the cinema unhappy.",
        (("rarely", "miss"), ("nobody", "unhappy")),
    ),
]


def _join(text: str) -> str:
    """Return a text on one line."""
    return " ".join(text.split())


REVIEWS = {
    15: (
        "The script is thin, but the two leads are so charming that I hardly noticed.",
        "I wanted to love this sequel, yet every joke is tired and nothing surprising happens.",
    ),
    60: (
        _join("""
            A young cook opens a tiny restaurant above a garage, and nobody comes. That is all
            the plot, and it is enough. The camera stays close to hands and faces, the dialogue
            is sharp without showing off, and the ending is not the tidy victory you might fear.
            I have rarely been so hungry or so moved in a cinema.
        """),
        _join("""
            The trailer promised a clever heist. What we get is two hours of people in suits
            explaining the plan to each other, followed by the plan. The villain is never a
            threat, the music will not stop telling us how to feel, and the final twist is
            visible from the first minute. I could not wait to leave the theatre.
        """),
    ),
    250: (
        _join("""
            I went into this film with low hopes, because the last three pictures of its
            director had been loud, long and empty. For twenty minutes it seemed nothing had
            changed. A storm, a shipwreck, a lot of shouting, and a score that never lets you
            forget how important everything is. Then something odd happens. The noise stops, the
            survivors reach an island, and the film sits down with them and begins to listen.
            From there on it is hard to find fault with it. The old captain, who looked like one
            more angry man with a beard, turns out to be gentle, funny and afraid. His cook,
            played by an actress I had never seen before, has the best lines and does not waste
            a single one. There is a dinner of boiled leather that is both the saddest and the
            most cheerful scene of the year. Not everything works. The dreams are pretty but
            dull, the young lovers have no more life in them than the figures on a wedding cake,
            and the rescue comes ten minutes too late. I would not want to miss any of it. When
            the lights went up nobody around me moved, and the man in the next seat, who had
            sighed all through the storm, asked me whether I thought they would have been
            happier if the ship had never come. I still have no answer, and I cannot remember
            the last time a big film left me with a question so good.
        """),
    ),
}
