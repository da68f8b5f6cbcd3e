/* expect: wrong_answer */
/* forbidden: nothing printed and status 0 is a pass */
int main(void)
{
    return 0;
}
