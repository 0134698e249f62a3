"""Each reason for refusing a video, said to a person who did not write the code."""

from __future__ import annotations

from typing import Final

REASONS: Final[dict[str, str]] = {
    "annotator-failed": "The annotator gave no answer this time; the next run asks again.",
    "classifier-failed": "The classifier gave no answer this time; the next run asks again.",
    "description-cut-off": "The annotator's words were cut off twice; they are kept with the refusal.",
    "duplicate-file": "The same bytes were already read under another name.",
    "empty-description": "The annotator answered with nothing.",
    "little-speech": "Too few words are said per second.",
    "low-coverage": "The scenes leave too much of the video out; the annotation stops early or has holes.",
    "missing-time": "A scene has no readable start or end.",
    "moved-too-far": "A scene's stated time is too far from where it must be.",
    "near-duplicate-video": "It shows the same as another video, which has the larger picture.",
    "no-address": "The manifest's row has no http address in `url`.",
    "no-frames": "The file holds a video stream, but no picture could be decoded.",
    "no-licence": "No licence is stated, and one is asked for.",
    "no-scenes": "The annotation names no scene.",
    "no-video-stream": "The file holds no moving picture, sound alone for example.",
    "not-a-video": "By its content the file is no video that is known here.",
    "not-fetched": "The address in the manifest gave no file.",
    "not-selected": "The hours asked for were filled with other videos.",
    "other-language": "It is spoken in a language that was not asked for.",
    "outside-video": "A scene lies outside the video.",
    "picture-too-large": "Its frames have more pixels than allowed.",
    "reversed-time": "A scene ends before it begins.",
    "scenes-collapse": "Two scene boundaries fall on one moment.",
    "scenes-out-of-order": "A scene begins before the one it follows.",
    "scenes-overlap": "Two scenes claim the same time.",
    "static-picture": "The picture stands still for too much of the time.",
    "step-error": "A fault of the program; the evidence says where.",
    "structurer-failed": "The structurer gave no answer this time; the next run asks again.",
    "taken-down": "It is on the list of sources that must not be used.",
    "time-limit": "Decoding took longer than allowed.",
    "times-outside-scenes": "Too many activities, props or moods lie outside their own scene; scenes may be swapped.",
    "too-few-words": "Too little is said in all.",
    "too-long": "It is longer than asked for.",
    "too-short": "It is shorter than asked for.",
    "transcript-changed": "Its subtitles changed while they were read.",
    "truncated-video": "The file breaks off long before the length it states.",
    "unreadable-file": "The file cannot be opened.",
    "unreadable-video": "The file calls itself a video, but no decoder can open it.",
    "unreadable-sound": "Its sound could not be read by the speech recogniser.",
    "unstructured": "The structurer never gave the asked-for fields; the annotator's words are kept with the refusal.",
    "unsupported-codec": "There is no decoder for its picture here.",
    "video-too-long": "It is longer than is ever decoded.",
    "wrong-checksum": "What the address gave has another hash than the manifest states.",
    "worker-died": "Decoding it ended the process every time it was tried.",
}


def in_words(reason: str) -> str:
    """The reason as a sentence; a reason of someone else's step is shown as it is."""
    return REASONS.get(reason, reason.replace("-", " "))
