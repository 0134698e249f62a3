"""The six figures per style, against a count by hand."""

from __future__ import annotations

from sightline.recipes.document_qa.statistics import Asked, PromptStatistics, prompt_statistics

ROWS = [
    Asked("broad", "a", 0, "Who signed?", "Anna"),  # 4 letters
    Asked("broad", "a", 0, "who  SIGNED?", "Anna B"),  # 6, the same question again
    Asked("broad", "a", 1, "When?", "2026"),  # 4
    Asked("broad", "b", 0, "Who signed?", "Boris"),  # 5, the same question of another document
    Asked("broad", "b", 2, "   ", "?"),  # 1, empty
    Asked("summary", "b", None, "What is it about?", "총 금액입니다"),  # 7 letters, tied to no page
]


def test_six_figures_equal_the_hand_count() -> None:
    broad, summary = prompt_statistics(iter(ROWS))
    # a: 2 different of 3 asked; b: 1 different (not empty) of 2 asked; pages a0, a1, b0, b2
    assert broad == PromptStatistics(
        style="broad",
        pairs=5,
        answer_length=20 / 5,
        diversity=(2 / 3 + 1 / 2) / 2,
        empty_questions=1,
        pairs_per_page=5 / 4,
        unique_questions=2,
    )
    assert summary == PromptStatistics("summary", 1, 7.0, 1.0, 0, 1.0, 1)


def test_no_rows_no_figures() -> None:
    assert prompt_statistics([]) == []
