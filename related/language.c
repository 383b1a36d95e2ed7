/* The language of a text, in this order until one is found:
 *
 *     the script of most letters, if only one language uses it
 *     the words that are frequent in one language (Grefenstette 1995); this takes a tenth of the time of the next
 *     libexttextcat: the text's most frequent groups of letters (Cavnar and Trenkle 1994) */
#include "related/language.h"

#include <assert.h>
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/uscript.h>
#include <unicode/utf8.h>

#include <libexttextcat/textcat.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "related/words.h"

enum { SAMPLE_BYTES = 2000, FEW_BYTES = 1000, MIN_LETTERS = 20, SLOTS = 1024 };

/* Frequent words. A language that is not here is left to libexttextcat. */
static const struct {
    char code[4];
    const char *words;
} frequent[] = {
    {"en", "the of and to in is that for it with as was on are this by from"},
    {"de", "der die und in den von zu das mit sich des auf für ist im dem nicht ein eine als auch"},
    {"fr", "de la le et les des en un du une que est pour qui dans par plus pas au sur ne se"},
    {"es", "de la que el en los del se las por un para con no una su al lo es"},
    {"pt", "de que do da em um para com não uma os no se na por mais as dos"},
    {"it", "di il la che in per un del non con una le si da al della sono"},
    {"nl", "de van een het en in is dat op te zijn met voor niet aan er om ook"},
    {"sv", "och att det som en på är av för med den till inte om ett har de"},
    {"da", "og at det er en til på som af for med den der ikke de et har"},
    {"nb", "og det er på som en til av for med at den ikke de et har"},
    {"fi", "ja on ei se että oli hän ovat mutta joka kun niin myös tai"},
    {"pl", "na się do nie jest że to jak po od za przez oraz dla"},
    {"cs", "se na je že do to jsou pro ale jako by které byl"},
    {"sk", "sa na je že do to sú pre ale ako by ktoré bol"},
    {"hu", "az és hogy nem is egy ez van meg csak már volt de"},
    {"ro", "de și în la cu pe nu din care un este mai să ce pentru"},
    {"tr", "ve bir bu da de için ile çok olarak daha olan gibi ne var"},
    {"ru", "не на что по как это он из за от для"},
    {"uk", "не на що та до як це за від для про"},
    {"bg", "на да от за се не по това са че до"},
    {"sr", "је да на се за су од са не који"},
    {"hr", "je da na se za su od ne koji što iz"},
    {"ca", "de la el que en els les del per un amb una es no"},
    {"id", "yang dan di itu dengan untuk dari dalam tidak ini pada adalah akan juga ke"},
    {"vi", "và của là có trong được cho các một không những với người này"},
    {"ar", "في من على أن إلى عن التي هذا مع كان ما"},
    {"fa", "در به از که این را با است برای آن"},
    {"hi", "के में है की और को से का कि पर यह ने"},
};
enum { NFREQUENT = sizeof(frequent) / sizeof(frequent[0]) };

struct frequent_word {
    uint64_t hash;      /* 0: no word */
    uint32_t languages; /* bit i: it is in frequent[i] */
};

struct language {
    void *textcat;
    struct words *words;
    struct frequent_word word[SLOTS];
};

static void read_frequent(struct language *language);
static struct frequent_word *slot_of(struct language *language, uint64_t hash);
static const char *by_words(struct language *language, const char *text, size_t bytes);

static bool is_written_in_news(const char *language);
static const char *by_script(const char *text, int32_t bytes, int *ret_letters);

static const char folder[] = "/usr/share/libexttextcat/";

struct language *language_create(void)
{
    struct language *language = calloc(1, sizeof(*language));
    if (language == NULL)
        abort();
    language->textcat = special_textcat_Init("/usr/share/libexttextcat/fpdb.conf", folder);
    if (language->textcat == NULL) {
        free(language);
        return NULL;
    }
    language->words = words_create();
    read_frequent(language);
    return language;
}

void language_destroy(struct language *language)
{
    words_destroy(language->words);
    textcat_Done(language->textcat);
    free(language);
}

void language_of_text(struct language *language, const char *text, size_t bytes,
                      char ret_language[LANGUAGE_SIZE])
{
    int letters;
    int32_t sample = (int32_t)(bytes < SAMPLE_BYTES ? bytes : SAMPLE_BYTES);
    while (sample > 0 && (size_t)sample < bytes && U8_IS_TRAIL(text[sample]))
        sample--;
    const char *found = by_script(text, sample, &letters);

    ret_language[0] = '\0';
    if (found != NULL) {
        language_copy(ret_language, found);
        return;
    }
    if (letters < MIN_LETTERS)
        return;
    found = by_words(language, text, (size_t)(sample < FEW_BYTES ? sample : FEW_BYTES));
    if (found != NULL) {
        language_copy(ret_language, found);
        return;
    }
    const char *guess =
        textcat_Classify(language->textcat, text, (size_t)sample); /* [one][or-another] */
    for (; *guess == '['; guess += strcspn(guess, "]") + 1) {
        language_of_tag(guess + 1, strcspn(guess + 1, "]"), ret_language);
        if (is_written_in_news(ret_language))
            return;
    }
    ret_language[0] = '\0';
}

void language_copy(char to[LANGUAGE_SIZE], const char *from)
{
    snprintf(to, LANGUAGE_SIZE, "%s", from);
}

void language_of_tag(const char *tag, size_t bytes, char ret_language[LANGUAGE_SIZE])
{
    size_t n = 0;
    while (n < bytes && isalpha((unsigned char)tag[n]))
        n++;
    if (n >= LANGUAGE_SIZE || n < 2)
        n = 0;
    for (size_t i = 0; i < n; i++)
        ret_language[i] = (char)tolower((unsigned char)tag[i]);
    ret_language[n] = '\0';
}

static void read_frequent(struct language *language)
{
    struct word word;

    static_assert(NFREQUENT <= 32, "each language has a bit");
    for (uint32_t i = 0; i < NFREQUENT; i++) {
        words_begin(language->words, "", frequent[i].words, strlen(frequent[i].words));
        while (words_next(language->words, &word)) {
            uint64_t hash = XXH3_64bits(word.text, word.bytes);
            struct frequent_word *slot = slot_of(language, hash);
            slot->hash = hash;
            slot->languages |= UINT32_C(1) << i;
        }
    }
}

static struct frequent_word *slot_of(struct language *language, uint64_t hash)
{
    size_t i = hash % SLOTS;

    while (language->word[i].hash != 0 && language->word[i].hash != hash)
        i = (i + 1) % SLOTS;
    return &language->word[i];
}

/* NULL: no language has clearly more of the words than any other. */
static const char *by_words(struct language *language, const char *text, size_t bytes)
{
    unsigned n[NFREQUENT] = {0}, nwords = 0, best = 0, second = 0;
    struct word word;

    words_begin(language->words, "", text, bytes);
    for (; words_next(language->words, &word); nwords++) {
        uint32_t languages = slot_of(language, XXH3_64bits(word.text, word.bytes))->languages;
        for (; languages != 0; languages &= languages - 1)
            n[__builtin_ctz(languages)]++;
    }
    for (unsigned i = 1; i < NFREQUENT; i++) {
        if (n[i] > n[best])
            best = i;
    }
    for (unsigned i = 0; i < NFREQUENT; i++) {
        if (i != best && n[i] > second)
            second = n[i];
    }
    return n[best] >= 6 && 8 * n[best] >= nwords && 2 * n[best] >= 3 * second ? frequent[best].code
                                                                              : NULL;
}

/* Others are near relatives of these, or have no news: a text is taken for one of these. */
static bool is_written_in_news(const char *language)
{
    static const char codes[][4] = {
        "af",  "ar", "az", "be", "bg", "bn", "bs", "ca", "cs", "cy", "da", "de", "en", "es", "et",
        "eu",  "fa", "fi", "fr", "ga", "gl", "he", "hi", "hr", "hu", "id", "is", "it", "kk", "ku",
        "ckb", "ky", "lb", "lt", "lv", "mk", "mn", "mr", "ms", "mt", "nb", "ne", "nl", "nn", "pl",
        "ps",  "pt", "ro", "ru", "sk", "sl", "so", "sq", "sr", "sv", "sw", "tg", "tk", "tl", "tr",
        "tt",  "ug", "uk", "ur", "uz", "vi", "yi", "ti", "am", "dv", "zu", "xh", "yo", "ja", "zh",
    };
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        if (strcmp(codes[i], language) == 0)
            return true;
    }
    return false;
}

/* NULL: several languages use the script. */
static const char *by_script(const char *text, int32_t bytes, int *ret_letters)
{
    static const struct {
        UScriptCode script;
        const char *language;
    } scripts[] = {
        {USCRIPT_GREEK, "el"},    {USCRIPT_HANGUL, "ko"},   {USCRIPT_THAI, "th"},
        {USCRIPT_GEORGIAN, "ka"}, {USCRIPT_ARMENIAN, "hy"}, {USCRIPT_KHMER, "km"},
        {USCRIPT_LAO, "lo"},      {USCRIPT_MYANMAR, "my"},  {USCRIPT_TAMIL, "ta"},
        {USCRIPT_TELUGU, "te"},   {USCRIPT_KANNADA, "kn"},  {USCRIPT_MALAYALAM, "ml"},
        {USCRIPT_GUJARATI, "gu"}, {USCRIPT_GURMUKHI, "pa"}, {USCRIPT_SINHALA, "si"},
        {USCRIPT_TIBETAN, "bo"},  {USCRIPT_ORIYA, "or"},    {USCRIPT_HEBREW, "he"},
        {USCRIPT_HAN, "zh"},
    };
    enum { NSCRIPTS = sizeof(scripts) / sizeof(scripts[0]) };
    int n[NSCRIPTS] = {0}, kana = 0, letters = 0;

    for (int32_t i = 0; i < bytes;) {
        UChar32 c;
        U8_NEXT(text, i, bytes, c);
        if (c < 0x80) {
            letters += isalpha(c) != 0;
            continue;
        }
        UErrorCode error = U_ZERO_ERROR;
        UScriptCode script = uscript_getScript(c, &error);
        if (c < 0 || script <= USCRIPT_INHERITED)
            continue;
        letters++;
        kana += script == USCRIPT_HIRAGANA || script == USCRIPT_KATAKANA;
        for (int s = 0; s < NSCRIPTS; s++)
            n[s] += script == scripts[s].script;
    }
    *ret_letters = letters;
    if (letters > 0 && kana * 10 > letters)
        return "ja";
    for (int s = 0; s < NSCRIPTS; s++) {
        if (n[s] * 3 > letters)
            return scripts[s].language;
    }
    return NULL;
}
