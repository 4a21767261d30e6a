package food

import (
	"strings"
	"testing"
	"unicode"

	"simpleapp/internal/text"
)

// defaultIgnorable lists the first and the last character of each range with the property
// Default_Ignorable_Code_Point in DerivedCoreProperties.txt of Unicode 15.
var defaultIgnorable = [][2]rune{
	{0xAD, 0xAD}, {0x34F, 0x34F}, {0x61C, 0x61C}, {0x115F, 0x1160}, {0x17B4, 0x17B5},
	{0x180B, 0x180F}, {0x200B, 0x200F}, {0x202A, 0x202E}, {0x2060, 0x206F}, {0x3164, 0x3164},
	{0xFE00, 0xFE0F}, {0xFEFF, 0xFEFF}, {0xFFA0, 0xFFA0}, {0xFFF0, 0xFFF8}, {0x1BCA0, 0x1BCA3},
	{0x1D173, 0x1D17A}, {0xE0000, 0xE0FFF},
}

// otherInvisible contains examples of the other invisible characters: spaces, blanks, private and
// non-characters, and marks without a letter.
const otherInvisible = "\u00a0\u1680\u2000\u2003\u200a\u202f\u205f\u3000" +
	"\u2800\ufffc\U0001D159\U00013441\U00013442" + "\ufff9\ufffa\ufffb" +
	"\ue000\U0010fffd" + "\ufdd0\uffff" +
	"\u0301\u0345\u1039\u17d2\u1a60\u2d7f\U00016fe4\U0001bc9d"

func TestInvisibleTextIsNoAnswer(t *testing.T) {
	alone := []rune(otherInvisible)
	for _, span := range defaultIgnorable {
		for r := span[0]; r <= span[1]; r++ {
			alone = append(alone, r)
		}
	}
	for _, r := range alone {
		for _, answer := range []string{string(r), " " + string(r) + "\u200d" + string(r)} {
			sub := Submission{
				FirstName: answer, LastName: "A" + answer, FavouriteFood: answer + "A"}
			got := make(map[string]string)
			for _, e := range sub.Normalized().Validate() {
				got[e.Field] = e.Message
			}
			if got["first_name"] != "Enter your first name" {
				t.Errorf("the first name %+q: %q, want Enter your first name",
					answer, got["first_name"])
			}
			if got["last_name"]+got["favourite_food"] != "" {
				t.Errorf("%+q beside a letter: %q, %q, want no error",
					answer, got["last_name"], got["favourite_food"])
			}
		}
	}
}

// visible contains names and foods in many scripts, with the invisible characters that they need.
var visible = strings.Fields(
	"O Nguyễn Łukasz Ægir İbrahim Żółć Ὀδυσσεύς Дмитро " +
		"Ѳеодоръ Գրիգոր გიორგი ᏣᎳᎩ ᚛ᚑᚌᚐᚋ᚜ " +
		"ⵣⴰⵎⴰⵣⵉⵖ שָׁלוֹם מוֹשֶׁה مریم می\u200cخواهم " +
		"نان\u200cبربری مُحَمَّد ܡܪܝܡ ߒߞߏ አበበ ދިވެހި " +
		"क्षत्रिय क्\u200dष শ্রী ਸਿੰਘ ગુજરાત " +
		"ଓଡ଼ିଆ தமிழ் తెలుగు ಕನ್ನಡ മലയാളം " +
		"ක්\u200dරිස්තු ไทย ต้มยำ ลาว " +
		"བོད་ཡིག မြန်မာ ខ្មែរ សំឡ ᠮᠣᠩᠭᠣᠯ " +
		"ᠠ\u180b ꦗꦮ ᬩᬮᬶ 田中 寿司 ピザ ﾋﾟｻﾞ ㄅㄆㄇ " +
		"葛\U000e0100城 김치 한국 한 ㅎ ᄀᆞᆯ 𠮷野家 ꆈꌠ " +
		"⠏⠊⠵⠵⠁ 🍕 🫜 ❤\ufe0f ☠\ufe0e 👩\u200d🍳 🧑🏽\u200d🌾 " +
		"👨\u200d👩\u200d👧\u200d👦 🍋\u200d🟩 🇸🇬 " +
		"🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f 1\ufe0f⃣ " +
		"#\ufe0f⃣ 🏻 7-Up ½ € ? 𝄞")

func TestVisibleTextIsAnAnswer(t *testing.T) {
	for _, answer := range visible {
		sub := Submission{Token: NewToken(), Country: "SG", Pledge: true}
		for _, field := range TextFields {
			field.Set(&sub, answer)
		}
		if errs := sub.Normalized().Validate(); len(errs) > 0 {
			t.Errorf("%q (%+q): %v, want no error", answer, answer, errs)
		}
	}
	// No letter, number, punctuation or symbol is refused, except for the blank ones.
	refused := 0
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if unicode.In(r, unicode.L, unicode.N, unicode.P, unicode.S) && !text.Visible(r) {
			refused++
		}
	}
	if want := 9; refused != want { // those of text.Blank, and two conjoining Hangul fillers
		t.Errorf("%d letters, numbers and symbols are refused, want %d", refused, want)
	}
}
