/* The language of a text, found from the text or from a tag. */
#include <criterion/criterion.h>
#include <string.h>

#include "related/language.h"

TestSuite(language, .timeout = 60);

Test(language, is_found_from_a_few_sentences)
{
    static const char *const texts[][2] = {
        {"en", "The council of the city has decided on Monday that the bridge will be closed for "
               "two years."},
        {"de", "Der Rat der Stadt hat am Montag beschlossen, dass die Brücke für zwei Jahre "
               "geschlossen wird."},
        {"fr", "Le conseil de la ville a décidé lundi que le pont sera fermé pendant deux ans pour "
               "des travaux."},
        {"es", "El consejo de la ciudad ha decidido el lunes que el puente se cerrará por dos años "
               "para las obras."},
        {"pt", "O conselho da cidade decidiu na segunda-feira que a ponte não vai abrir por dois "
               "anos para as obras."},
        {"it", "Il consiglio della città ha deciso che il ponte è chiuso per due anni e non si "
               "apre per i lavori."},
        {"nl", "De raad van de stad heeft besloten dat het de brug voor een tijd van twee jaar "
               "niet open is."},
        {"sv", "Stadens råd har på måndagen beslutat att bron är stängd till och med nästa år för "
               "ett arbete som tar tid."},
        {"pl", "Rada miasta zdecydowała, że most jest zamknięty na dwa lata i nie otworzy się do "
               "tego czasu, jak było."},
        {"fi", "Kaupungin valtuusto on päättänyt, että silta on kiinni kaksi vuotta, ja se ei "
               "aukea, kun työ on kesken."},
        {"ru", "Совет города решил, что мост будет закрыт на два года, и это не последний ремонт, "
               "как он сказал."},
        {"uk", "Рада міста вирішила, що міст буде закрито на два роки, і це не останній ремонт, як "
               "він сказав."},
        {"el",
         "Το συμβούλιο της πόλης αποφάσισε τη Δευτέρα ότι η γέφυρα θα κλείσει για δύο χρόνια."},
        {"he", "מועצת העיר החליטה ביום שני שהגשר ייסגר לשנתיים לצורך עבודות."},
        {"ar",
         "قرر مجلس المدينة يوم الاثنين أن الجسر سيغلق لمدة عامين من أجل أعمال الصيانة التي تأخرت."},
        {"hi", "नगर परिषद ने सोमवार को फैसला किया कि पुल दो साल के लिए बंद रहेगा और यह काम का समय है।"},
        {"ja", "市議会は月曜日に、橋を二年間閉鎖することを決めました。"},
        {"zh", "市议会星期一决定，大桥将关闭两年进行维修，市民可以使用另一座桥。"},
        {"ko", "시의회는 월요일에 다리를 이 년 동안 폐쇄하기로 결정했습니다."},
        {"th", "สภาเมืองตัดสินใจเมื่อวันจันทร์ว่าจะปิดสะพานเป็นเวลาสองปี"},
        {"vi", "Hội đồng thành phố đã quyết định rằng cây cầu không được mở trong hai năm và các "
               "xe đi cho đường khác."},
        {"tr", "Belediye meclisi köprünün iki yıl için kapalı olacağını ve bu süre çok uzun olarak "
               "görülse de bir karar var."},
        {"id", "Dewan kota itu memutuskan pada hari Senin bahwa jembatan yang tua akan ditutup "
               "untuk dua tahun dan tidak dibuka."},
    };
    struct language *language = language_create();

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char found[LANGUAGE_SIZE];
        language_of_text(language, texts[i][1], strlen(texts[i][1]), found);
        cr_expect_str_eq(found, texts[i][0], "%s is taken for \"%s\"", texts[i][0], found);
    }
    language_destroy(language);
}

Test(language, of_a_text_without_letters_is_not_known)
{
    static const char *const texts[] = {"", "12 34", "!!! ???", "ok", "\xff\xfe\xff"};
    struct language *language = language_create();

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char found[LANGUAGE_SIZE] = "x";
        language_of_text(language, texts[i], strlen(texts[i]), found);
        cr_expect_str_empty(found, "\"%s\" is taken for %s", texts[i], found);
    }
    language_destroy(language);
}

Test(language, of_a_tag_is_its_primary_subtag)
{
    static const char *const tags[][2] = {{"en", "en"},      {"EN-gb", "en"},  {"zh-Hant-TW", "zh"},
                                          {"ckb", "ckb"},    {"", ""},         {"x-private", ""},
                                          {"abcdefghi", ""}, {"sr-Latn", "sr"}};

    for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
        char found[LANGUAGE_SIZE];
        language_of_tag(tags[i][0], strlen(tags[i][0]), found);
        cr_expect_str_eq(found, tags[i][1], "\"%s\" becomes \"%s\"", tags[i][0], found);
    }
}
