/* test_reward_model.c -- a folder of a reward model scores as transformers did, whatever a text is
 * scored with. SPDX-License-Identifier: Apache-2.0 */
#include "tiny_model.h"

#include "model/reward_model.h"

enum { TEXTS = 10 };

typedef struct texts {
    cJSON *json;
    as_str prompt[TEXTS], answer[TEXTS];
    double score[TEXTS];
} texts;

static void load_texts(texts *t)
{
    t->json = golden_json("models/tiny_reward/golden_scores.json");
    assert_int_equal(cJSON_GetArraySize(t->json), TEXTS);
    for (int i = 0; i < TEXTS; i++) {
        const cJSON *row = cJSON_GetArrayItem(t->json, i),
                    *prompt = cJSON_GetObjectItem(row, "prompt");
        t->prompt[i] =
            cJSON_IsString(prompt) ? as_str_of(prompt->valuestring) : (as_str){ NULL, 0 };
        t->answer[i] = as_str_of(cJSON_GetObjectItem(row, "answer")->valuestring);
        t->score[i] = golden_number(row, "score");
    }
}

static as_reward_model *open_tiny(k_device *dev, const as_reward_model_options *o)
{
    char folder[512];
    as_reward_model *m = NULL;
    tiny_folder(folder, sizeof folder, "tiny_reward");
    MUST(as_reward_model_open(&m, folder, dev, o, err));
    return m;
}

static void test_goldens(void **state)
{
    (void)state;
    texts t;
    double got[TEXTS];
    k_device *dev;
    load_texts(&t);
    assert_int_equal(k_device_open(&dev, "cpu", NULL), K_OK);
    as_reward_model *m = open_tiny(dev, NULL);
    MUST(as_reward_model_score(m, t.prompt, t.answer, TEXTS, got, NULL, NULL, err));
    tiny_near(got, t.score, TEXTS, 2e-5, "scores");
    as_reward_model_free(m);
    k_device_close(dev);
    cJSON_Delete(t.json);
}

/* Alone, all at once, in passes of a few, twice: the same bits. */
static void test_same_bits(void **state)
{
    (void)state;
    texts t;
    double all[TEXTS], one, few[TEXTS];
    k_device *dev;
    load_texts(&t);
    assert_int_equal(k_device_open(&dev, "cpu", NULL), K_OK);
    as_reward_model *m = open_tiny(dev, NULL),
                    *small =
                        open_tiny(dev, &(as_reward_model_options){ .longest = 90, .tokens = 90 });
    MUST(as_reward_model_score(m, t.prompt, t.answer, TEXTS, all, NULL, NULL, err));
    MUST(as_reward_model_score(small, t.prompt, t.answer, TEXTS, few, NULL, NULL, err));
    assert_memory_equal(all, few, sizeof all);
    for (int i = 0; i < TEXTS; i++) {
        MUST(as_reward_model_score(m, t.prompt + i, t.answer + i, 1, &one, NULL, NULL, err));
        assert_memory_equal(&one, &all[i], sizeof one);
    }
    as_reward_model_free(m);
    as_reward_model_free(small);
    k_device_close(dev);
    cJSON_Delete(t.json);
}

static int stops(void *ctx, as_err *e)
{
    int *left = ctx;
    return (*left)-- > 0 ? 0 : as_fail(e, AS_EBUDGET, "no more");
}

static void test_limits(void **state)
{
    (void)state;
    char folder[512];
    double got[3];
    as_err said = { 0 };
    k_device *dev;
    as_reward_model *m = NULL;
    char longer[200];
    memset(longer, '7', sizeof longer);
    const as_str answers[3] = { AS_LIT("7"), { longer, sizeof longer }, AS_LIT("7") };
    assert_int_equal(k_device_open(&dev, "cpu", NULL), K_OK);
    m = open_tiny(dev, &(as_reward_model_options){ .longest = 4, .tokens = 4 });
    MUST(as_reward_model_score(m, NULL, answers, 3, got, NULL, NULL, err));
    assert_true(isnan(got[1]) && got[0] == got[2] && !isnan(got[0]));
    int left = 1;
    const as_str many[3] = { AS_LIT("777"), AS_LIT("777"), AS_LIT("777") };
    assert_int_equal(as_reward_model_score(m, NULL, many, 3, got, stops, &left, NULL), AS_EBUDGET);
    MUST(as_reward_model_score(m, NULL, answers, 1, got, NULL, NULL, err)); /* and goes on */
    as_reward_model_free(m);
    tiny_folder(folder, sizeof folder, "tiny_qwen2");
    assert_int_equal(as_reward_model_open(&m, folder, dev, NULL, &said), AS_EUSAGE);
    assert_non_null(strstr(said.text, "a language model, which scores nothing"));
    assert_null(m);
    assert_int_equal(as_reward_model_open(&m, "/nowhere", dev, NULL, NULL), AS_EIO);
    k_device_close(dev);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_goldens),
        cmocka_unit_test(test_same_bits),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
