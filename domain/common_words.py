# ruff: noqa: RUF001 - they are in other alphabets than Latin too
"""The words that people say most, in the languages with spaces that most people write in.

They are articles, pronouns, prepositions, conjunctions, auxiliary verbs and the like, of which each
language has a few dozen and half of what is said consists (G. K. Zipf, Human Behavior and the
Principle of Least Effort, 1949).
"""

BY_LANGUAGE = {
    "en": """a about after all also am an and any are as at be because been but by can could day did
        do does don else find first for from get go good great had has have he help her here him his
        how i if in into is it its just know let like ll look m make me more most my need new no not
        now of on one only or other our out over people please re s see she should so some such t
        take thank thanks than that the their them then there these they thing this time to two up
        us use ve very want was way we well were what when where which who will with work would yes
        you your 1 2 3 4 5 6 7 8 9 10 am pm""",
    "de": """aber als am an auch auf aus bei bin bis bitte da das dass dein dem den der des die dir
        doch du ein eine einem einen einer er es für hab habe haben hat ich ihr im in ist ja kann
        kein können man mehr mein mich mir mit muss nach nicht noch nur oder sein sich sie sind so
        und uns vom von vor war was wenn wer werden wie wir wird wo zu zum zur über""",
    "fr": """a ai au aussi aux avec avoir c ce cela ces cette comme d dans de des donc du elle en
        est et eu faire fait il ils j je l la le les leur lui m ma mais me merci mes moi mon n ne
        nous on ont ou où par pas peut plus pour qu que quel qui s sa sans se ses si son sont sur t
        te toi ton tout très tu un une va vos votre vous y à être""",
    "es": """a al algo así bien como con cuando de del desde donde el ella en era es esa ese eso
        esta estar este esto está ha hacer hay he la las le les lo los me mi muy más nada ni no nos
        o para pero por porque puede que qué quiero se ser si sin sobre son su sus sí también te
        tengo tiene todo tu un una uno y ya yo""",
    "pt": """a ao aos as até com como da das de dela dele do dos e ela ele em era essa esse esta
        este eu foi há isso já lhe mais mas me meu minha muito na nas no nos não nós o os ou para
        pela pelo por qual quando que quem se sem ser seu sua são só também te tem ter tudo um uma
        você é""",
    "it": """a al alla anche c che chi ci come con cosa da dal de dei del della di e ed era essere
        fare gli ha hai ho i il in io l la le lei lo loro lui ma mi mio nel nella no noi non o per
        perché più può quando quello questo se sei si sono su suo ti tu un una uno è""",
    "nl": """aan als bij dan dat de der deze die dit door een en er gaan geen had hebben heeft het
        hij hoe ik in is je kan maar me meer met mijn na naar niet nog nu of om onder ook op over te
        tot u uit van veel voor was wat we wel wij worden wordt ze zich zijn zo""",
    "pl": """a ale bo być by było być co czy dla do go i ich ja jak jest jej jego już kiedy która
        który lub ma mam mi mnie może my na nie o od po proszę przez przy się są tak tam te tego ten
        to tu tym w we więc wszystko z za ze że""",
    "ru": """а бы был была были быть в вам вас вот все всё вы где да для до его ее если есть еще же
        за и из или им их к как когда кто ли мне мы на надо не него нет ни но ну о он она они от по
        при с со так там то только ты у уже что чтобы это этот я""",
    "tr": """ama bana ben bir biz bu da daha de değil diye en gibi her hiç için ile ki kadar mi mı
        mu mü ne nasıl neden o olan olarak olduğu ona onu sen siz şey şu var ve veya ya yok çok""",
    "sv": """att av de den det då där du efter eller en er ett från för ha han har hon hur här i
        inte ja jag kan man med men mig min mot nej ni nu när och om på sig som så till upp ut var
        vi vad vara över är""",
    "ar": """أن أنا أنت أو إلى إن التي الذي الى ان او بعد بين ثم حتى ذلك عن على عند في قد كان كانت
        كل كما كيف لا لم له لها ما مع من نعم هذا هذه هل هو هي و يا يكون""",
    "hi": """अब आप इस उस एक और कर करने का कि किया की कुछ के को कोई गया जब जा जो तक तो था थी थे दिया
        नहीं ने पर बहुत भी मुझे में मैं यह या ये लिए वह सकते साथ से हम ही हुआ है हैं हो""",
}
