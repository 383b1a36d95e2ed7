/* The words of texts in languages of all kinds. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "related/words.h"

static struct words *words;

static void begin(void)
{
    words = words_create();
}

static void end(void)
{
    words_destroy(words);
}

TestSuite(words, .init = begin, .fini = end, .timeout = 60);

/* The words with a blank between them; "+" instead of the blank where a word is next to the word before it. The memory
 * has exactly the size of the text, so that a sanitizer sees a read beyond it. */
static void expect_words(const char *language, const char *text, const char *want)
{
    char got[1000] = "", *exact = malloc(strlen(text) + 1);
    struct word word;

    memcpy(exact, text, strlen(text));
    exact = realloc(exact, strlen(text) + (text[0] == '\0'));
    words_begin(words, language, exact, strlen(text));
    while (words_next(words, &word)) {
        if (got[0] != '\0')
            strcat(got, word.is_next ? "+" : " ");
        strncat(got, word.text, word.bytes);
    }
    cr_expect_str_eq(got, want, "%s: \"%s\" becomes \"%s\" instead of \"%s\"", language, text, got,
                     want);
    free(exact);
}

Test(words, are_folded_and_reduced_to_stems)
{
    expect_words("en", "Ministers MINISTERED; the minister's ministry",
                 "minist+minist the+minist+ministri");
    expect_words("de", "Die Straßen der Städte", "die+strass+der+stadt");
    expect_words("ru", "Министры министров", "министр+министр");
    expect_words("tr", "ISPARTA'nın İlleri", "ıspar+nın+il");
    expect_words("xx", "Running Runs", "running+runs");
}

Test(words, have_no_marks_where_marks_have_no_meaning)
{
    expect_words("en", "naïve naive", "naiv+naiv");
    expect_words("el", "καλός", "καλ");
    expect_words("ar", "كِتَاب كتاب", "كتاب+كتاب");
    expect_words("he", "שָׁלוֹם", "שלום");
    expect_words("uk", "за́мок йому їх", "замок+йому+їх");
    expect_words("vi", "bán bạn", "bán+bạn");
}

Test(words, of_languages_without_blanks_are_found)
{
    expect_words("ja", "東京で地震が発生", "東京+で+地震+が+発生");
    expect_words("zh", "北京举行奥运会", "北京+举行+奥运+会");
    expect_words("th", "ฉันรักภาษาไทย", "ฉัน+รัก+ภาษา+ไทย");
}

Test(words, with_an_apostrophe_are_one_or_two_as_the_language_wants)
{
    expect_words("fr", "l’économie d'hier", "économ hi");
    expect_words("it", "dell'anno", "dell+anno");
    expect_words("en", "don’t", "don't");
    expect_words("uk", "п'ять п’ять", "п'ять+п'ять");
}

Test(words, are_next_to_each_other_across_a_blank_or_a_hyphen_only)
{
    expect_words("en", "New York, United States. A Saint-Denis (north)",
                 "new+york unit+state saint+deni north");
    expect_words("en", "one  two\nthree", "one two three");
}

Test(words, that_are_single_letters_or_too_long_are_left_out)
{
    char text[300];
    memset(text, 'x', sizeof(text));
    memcpy(text + 200, " next", sizeof(" next"));
    expect_words("en", "a b 7 10 I", "10");
    expect_words("en", text, "next");
    expect_words("en", "", "");
    expect_words("en", " .,;!", "");
}

Test(words, of_a_text_that_is_no_utf8_or_much_too_long_are_read_without_harm)
{
    enum { BYTES = WORDS_MAX_TEXT_BYTES + 1000 };
    char *text = malloc(BYTES);
    struct word word;
    size_t n = 0;

    memset(text, 'a', BYTES);
    for (size_t i = 3; i < BYTES; i += 4)
        text[i] = ' ';
    words_begin(words, "en", text, BYTES);
    while (words_next(words, &word))
        n++;
    cr_expect_eq(n, WORDS_MAX_TEXT_BYTES / 4);
    free(text);
    expect_words("en", "ab\xff\xfe cd", "ab cd");
    expect_words("en", "ab \xf0\x9f", "ab");
}
