/* weather/words.h - words for the codes of the weather. Any thread. */
#ifndef WEATHER_WORDS_H
#define WEATHER_WORDS_H

enum { WEATHER_MAX_CODE = 99 };

/* code: 0 to WEATHER_MAX_CODE, a code of WMO table 4677 (WMO-No. 306, Manual on Codes, volume I.1: present weather
 * at a manned station). The words of the first four are Open-Meteo's, whose codes 0 to 3 tell how much of
 * the sky is covered. Static text in English, in small letters. */
const char *weather_words(int code);

#endif
