"""The words of what models are asked about a video: Korean for what is in Korean, English for everything else.

Moods, paths of categories, "unmatched" and "null" are the same in both: they are read by a program.
"""

from __future__ import annotations

DESCRIBE = {
    "en": """You watch a video of {duration} through pictures taken from it, each with its time, and through what \
is said in it. Write down, in plain text, what a film editor would want to know:
1. A title, and one paragraph on the whole.
2. Each person or figure that matters: a short id, a name or role, and looks by which one would know them in a picture.
3. The scenes, in order, without gaps, from 00:00:00.000 to {duration}. For each: start and end as HH:MM:SS.mmm; who \
is in it; what is done and when; which things are seen and when; cuts, effects, music and captions with their times; \
the mood (one of: {moods}) and when and how it changes; what moves the story on and when; how people deal with each \
other; themes; what is meant without being said; from 0 to 1 how lively it is, and from 0 to 1 how well sound and \
picture belong together.
4. What holds the scenes together (story or facts), which scenes belong to it, and where and when its climax is.
5. What could be cut away, with times.
6. Exactly five questions with answers, on fine details, on the story and on the mood, that reading the spoken words \
alone would not answer.
Write only what can be seen or heard. Times must lie within the video.""",
    "ko": """길이가 {duration}인 영상을 보여 드립니다. 시각이 적힌 그림들과, 영상에서 들리는 말이 주어집니다. 영상 \
편집자가 알고 싶어 할 내용을 서식 없는 글로, 한국어로 적으십시오.
1. 제목과, 전체를 설명하는 한 문단.
2. 중요한 인물이나 대상마다: 짧은 식별 번호, 이름이나 역할, 그림에서 알아볼 수 있는 겉모습.
3. 장면을 순서대로, 빈 곳 없이, 00:00:00.000부터 {duration}까지. 장면마다: HH:MM:SS.mmm 형식의 시작과 끝, 나오는 \
사람, 무엇을 언제 하는지, 어떤 물건이 언제 보이는지, 화면 전환과 효과와 음악과 자막 및 그 시각, 분위기(다음 \
가운데 하나를 적힌 그대로: {moods})와 그것이 언제 어떻게 바뀌는지, 이야기를 진행시키는 것과 그 시각, 사람들이 서로를 \
대하는 방식, 주제, 말하지 않았지만 뜻하는 것, 얼마나 활기찬지 0에서 1까지, 소리와 그림이 얼마나 잘 어울리는지 \
0에서 1까지.
4. 장면들을 묶는 것(이야기나 사실), 거기에 속하는 장면, 절정이 어디이며 언제인지.
5. 잘라 내도 되는 부분과 그 시각.
6. 세부, 이야기, 분위기에 대한 질문과 답을 정확히 다섯 개. 들리는 말만 읽어서는 답할 수 없어야 합니다.
보이거나 들리는 것만 적으십시오. 시각은 영상의 길이를 넘을 수 없습니다.""",
}
BRIEFLY = {
    "en": "Your last answer was cut off. Write it again from the beginning, much more briefly, and finish it.",
    "ko": "지난번 답이 중간에 끊겼습니다. 처음부터 훨씬 짧게 다시 쓰고 끝까지 마치십시오.",
}
STRUCTURE = {
    "en": """Below is a description of a video of {duration}. Put it into the fields that are asked for. Add \
nothing, leave nothing out that has a field, keep the order of the scenes, write times as HH:MM:SS.mmm and null where \
none is given.

{text}""",
    "ko": """아래는 길이가 {duration}인 영상의 설명입니다. 요청한 항목에 옮겨 적으십시오. 덧붙이지 말고, 항목이 있는 \
내용은 빠뜨리지 말고, 장면의 순서를 지키십시오. 내용은 설명과 같은 언어로 쓰고, 시각은 HH:MM:SS.mmm 형식으로, \
없으면 null로 쓰십시오.

{text}""",
}
CLASSIFY = {
    "en": """To which one of these categories does the video belong? Answer with its path exactly as written in the \
list, or with "unmatched" where none fits. Nothing else.

{leaves}

Title: {title}
Description: {description}
Channel: {channel}
Said in it: {said}""",
    "ko": """이 영상은 다음 범주 가운데 어느 것에 속합니까? 목록에 적힌 경로를 그대로 쓰거나, 알맞은 것이 없으면 \
"unmatched"라고 쓰십시오. 다른 말은 쓰지 마십시오.

{leaves}

제목: {title}
설명: {description}
채널: {channel}
영상에서 하는 말: {said}""",
}
SAYING = {"en": "What is said:\n{said}", "ko": "영상에서 하는 말:\n{said}"}
NOTHING = {"en": "(nothing)", "ko": "(없음)"}
UNKNOWN = {"en": "(unknown)", "ko": "(알 수 없음)"}


def spoken(*languages: str) -> str:
    """The language of the words above for a video whose own is the first of `languages` that is known.

    >>> spoken("", "ko"), spoken("en", "ko"), spoken("fr"), spoken("")
    ('ko', 'en', 'en', 'en')
    """
    known = next(filter(None, languages), "")
    return known if known in DESCRIBE else "en"
